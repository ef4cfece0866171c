"""A watch survives failures of connections and API servers."""

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ProtocolError

from tests.api_server import Server, listed, pod, watched
from workbook.kube import watch

GONE = ("ERROR", {"code": 410, "reason": "Expired"})


@pytest.fixture
def server(monkeypatch):
    """An API server whose failures are retried at once."""
    monkeypatch.setattr(watch, "PAUSE", 0)
    return Server()


def phases(server, count):
    """The first `count` states that `follow` yields, as {name: phase}."""
    states = watch.follow(server, "pods", timeout=60)
    return [{name: item["status"]["phase"] for name, item in next(states).items()} for _ in range(count)]


def test_the_state_first_and_then_each_change(server):
    asked = server.serve(
        listed(10, pod("a", 5)),
        watched(("MODIFIED", pod("a", 11, "Running")), ("ADDED", pod("b", 12)), ("DELETED", pod("a", 13))),
    )
    assert phases(server, 4) == [{"a": "Pending"}, {"a": "Running"}, {"a": "Running", "b": "Pending"}, {"b": "Pending"}]
    assert asked[1]["watch"] and asked[1]["resource_version"] == "10"


def test_a_dropped_connection_goes_on_with_a_fresh_list(server):
    asked = server.serve(
        listed(10, pod("a", 5)),
        watched(("MODIFIED", pod("a", 11, "Running")), then=ProtocolError("broken")),
        listed(20, pod("b", 15)),
    )
    assert phases(server, 3) == [{"a": "Pending"}, {"a": "Running"}, {"b": "Pending"}]
    assert "watch" not in asked[2]


def test_a_watch_that_ends_is_resumed_where_it_was(server):
    bookmark = ("BOOKMARK", {"metadata": {"resourceVersion": "30"}})
    asked = server.serve(listed(10), watched(bookmark), watched(("ADDED", pod("a", 31))))
    assert phases(server, 2) == [{}, {"a": "Pending"}]
    assert asked[2]["resource_version"] == "30"


@pytest.mark.parametrize("gone", [watched(GONE), ApiException(status=410)])
def test_an_expired_version_begins_with_a_list_and_misses_nothing(server, gone):
    server.serve(listed(10, pod("a", 5)), gone, listed(40, pod("a", 39, "Running")))
    assert phases(server, 2) == [{"a": "Pending"}, {"a": "Running"}]


def test_an_api_server_that_restarts_is_waited_for(server):
    server.serve(listed(10), ApiException(status=503), ProtocolError("refused"), listed(11, pod("a", 11)))
    assert phases(server, 2) == [{}, {"a": "Pending"}]


def test_a_refusal_is_not_asked_again(server):
    server.serve(ApiException(status=403, reason="Forbidden"))
    with pytest.raises(ApiException):
        phases(server, 1)
