"""A watch that survives what happens to watches, against a server of our own making."""

import json

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ProtocolError

from workbook.kube import watch as watching
from workbook.lessons.wait import WaitTimeout, wait_for


def pod(name: str, version: int, phase: str = "Pending") -> dict:
    return {"metadata": {"name": name, "uid": name, "resourceVersion": str(version)}, "status": {"phase": phase}}


class Answer:
    """An HTTP answer: a list, or the lines of a watch, in pieces as a network delivers them."""

    def __init__(self, data: bytes, then: Exception | None = None) -> None:
        self.data, self.then, self.closed = data, then, False

    def stream(self, amt=None, decode_content=True):
        for at in range(0, len(self.data), 7):
            yield self.data[at : at + 7]
        if self.then:
            raise self.then

    def close(self):
        self.closed = True


def listed(version, *pods):
    return Answer(json.dumps({"metadata": {"resourceVersion": str(version)}, "items": pods}).encode())


def watched(*changes, then=None):
    lines = [json.dumps({"type": kind, "object": item}) for kind, item in changes]
    return Answer("".join(f"{line}\n" for line in lines).encode(), then)


GONE = ("ERROR", {"code": 410, "reason": "Expired"})


@pytest.fixture
def server(monkeypatch):
    """Answers each request with the next of `answers`; keeps what was asked."""
    asked = []

    def serve(*answers):
        left = list(answers)

        def list_raw(resource, namespace, **options):
            asked.append(options)
            answer = left.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(watching, "list_raw", list_raw)
        monkeypatch.setattr(watching.time, "sleep", lambda seconds: None)
        return asked

    return serve


def phases(count):
    """The first `count` states that `follow` yields, as {name: phase}."""
    states = watching.follow("pods", timeout=60)
    return [{name: item["status"]["phase"] for name, item in next(states).items()} for _ in range(count)]


def test_the_state_first_and_then_each_change(server):
    asked = server(
        listed(10, pod("a", 5)),
        watched(("MODIFIED", pod("a", 11, "Running")), ("ADDED", pod("b", 12)), ("DELETED", pod("a", 13))),
    )
    assert phases(4) == [{"a": "Pending"}, {"a": "Running"}, {"a": "Running", "b": "Pending"}, {"b": "Pending"}]
    assert asked[1]["watch"] and asked[1]["resource_version"] == "10"


def test_a_dropped_connection_goes_on_with_a_fresh_list(server):
    asked = server(
        listed(10, pod("a", 5)),
        watched(("MODIFIED", pod("a", 11, "Running")), then=ProtocolError("broken")),
        listed(20, pod("b", 15)),
    )
    assert phases(3) == [{"a": "Pending"}, {"a": "Running"}, {"b": "Pending"}]
    assert "watch" not in asked[2]


def test_a_watch_that_ends_is_resumed_where_it_was(server):
    bookmark = ("BOOKMARK", {"metadata": {"resourceVersion": "30"}})
    asked = server(listed(10), watched(bookmark), watched(("ADDED", pod("a", 31))))
    assert phases(2) == [{}, {"a": "Pending"}]
    assert asked[2]["resource_version"] == "30"


@pytest.mark.parametrize("gone", [watched(GONE), ApiException(status=410)])
def test_gone_begins_anew_and_misses_nothing(server, gone):
    server(listed(10, pod("a", 5)), gone, listed(40, pod("a", 39, "Running")))
    assert phases(2) == [{"a": "Pending"}, {"a": "Running"}]


def test_an_api_server_that_restarts_is_waited_for(server):
    server(listed(10), ApiException(status=503), ProtocolError("refused"), listed(11, pod("a", 11)))
    assert phases(2) == [{}, {"a": "Pending"}]


def test_a_refusal_is_not_asked_again(server):
    server(ApiException(status=403, reason="Forbidden"))
    with pytest.raises(ApiException):
        phases(1)


def test_a_wait_ends_as_soon_as_it_is_met(server):
    server(
        listed(10, pod("a", 5)), watched(("MODIFIED", pod("a", 11, "Running")), ("MODIFIED", pod("a", 12, "Failed")))
    )
    found = wait_for("pods", lambda pods: "" if pods[0]["status"]["phase"] == "Running" else "pending", what="it")
    assert found[0]["metadata"]["resourceVersion"] == "11"


def test_a_wait_says_what_was_missing(server):
    server(listed(10, pod("a", 5)), *[watched()] * 10**5)
    with pytest.raises(WaitTimeout, match="Waited 0 s for the Pod, in vain: still pending"):
        wait_for("pods", lambda pods: "still pending", what="the Pod", timeout=0.05)
