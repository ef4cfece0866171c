"""Requests to the API server by path, and a watch of a path."""

import json

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ReadTimeoutError

from tests.api_server import watched
from workbook import raw, raw_watch
from workbook.base.errors import WorkbookError
from workbook.lessons import raw as module
from workbook.lessons.wait import WaitTimeout

PATH = "/api/v1/namespaces/shop/configmaps"
EMPTY = {"metadata": {"resourceVersion": "10"}, "items": []}


class Response:
    """A complete HTTP answer."""

    def __init__(self, body, content_type="application/json"):
        self.data, self.status = json.dumps(body).encode(), 200
        self.headers = {"Content-Type": content_type}


class Server:
    """A connection to an API server that answers with these responses, in their order, and notes the requests."""

    def __init__(self, *responses):
        self.responses, self.requests, self.streamed = list(responses), [], []

    def request(self, method, path, *, timeout, stream):
        self.requests.append((method, path))
        self.streamed.append(stream)
        response = self.responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return response


@pytest.fixture
def serve(monkeypatch):
    """A function that makes the cluster's API server give these answers."""

    def start(*responses):
        server = Server(*responses)
        monkeypatch.setattr(module, "api", lambda: server)
        return server

    return start


def note(version):
    return {"kind": "ConfigMap", "metadata": {"name": "note", "resourceVersion": str(version)}}


def test_the_answer_to_a_request(serve, capsys):
    server = serve(Response({"items": []}, "application/json; charset=utf-8"))
    answer = raw(f"{PATH}?labelSelector=app=web")
    assert server.requests == [("GET", f"{PATH}?labelSelector=app=web")]
    assert (answer.status, answer.type, answer.json()) == (200, "application/json", {"items": []})
    assert repr(answer) == 'HTTP 200 OK\nContent-Type: application/json\n\n{"items": []}'
    assert f"$ kubectl get --raw '{PATH}?labelSelector=app=web'" in capsys.readouterr().out


def test_a_long_answer_is_shown_by_its_beginning(serve):
    serve(Response("a" * 5000))
    assert repr(raw(PATH)).endswith("aaa… (5,002 characters)")


def test_a_real_connection(api_server):
    api_server.add("configmaps", "note")
    [item] = raw(PATH).json()["items"]
    assert item["metadata"]["name"] == "note"
    assert f"GET {PATH}" in api_server.requests


def test_a_refusal_keeps_the_servers_words(api_server):
    api_server.refused.add("GET")
    with pytest.raises(WorkbookError, match=r"refuses /api/v1/nodes with status 403(.|\n)*GET is forbidden"):
        raw("/api/v1/nodes")


@pytest.mark.parametrize("path", ["pods", "https://elsewhere/api/v1/pods", ""])
def test_only_a_path_is_added_to_the_servers_address(serve, path):
    server = serve()
    with pytest.raises(WorkbookError, match="is not a path of the API"):
        raw(path)
    with pytest.raises(WorkbookError, match="is not a path of the API"), raw_watch(path, events=1):
        pass
    assert server.requests == []


def test_a_watch_has_the_changes_since_the_block_began(serve, capsys):
    stream = watched(("ADDED", note(11)), ("MODIFIED", note(13)), ("DELETED", note(14)), ("ADDED", note(15)))
    server = serve(Response(EMPTY), stream)
    with raw_watch(PATH, events=3) as seen:
        assert len(server.requests) == 2, "the watch begins before the block"
    assert server.requests == [("GET", PATH), ("GET", f"{PATH}?watch=1&resourceVersion=10")]
    assert server.streamed == [False, True]
    assert seen.table().reset_index().values.tolist() == [
        ["ADDED", "ConfigMap", "note"],
        ["MODIFIED", "ConfigMap", "note"],
        ["DELETED", "ConfigMap", "note"],
    ]
    assert seen.table(wide=True)["VERSION"].tolist() == [11, 13, 14]
    assert stream.closed and 0 <= seen.delay < 1
    assert f"$ kubectl get --raw '{PATH}?watch=1'" in capsys.readouterr().out


def test_a_watch_with_a_query(serve):
    server = serve(Response(EMPTY), watched(("ADDED", note(11))))
    with raw_watch(f"{PATH}?fieldSelector=metadata.name=note", events=1):
        pass
    assert server.requests[1][1].endswith("?fieldSelector=metadata.name=note&watch=1&resourceVersion=10")


def test_a_change_that_arrives_late(serve):
    serve(Response(EMPTY), watched(("ADDED", note(11)), delay=0.2))
    with raw_watch(PATH, events=1) as seen:
        pass
    assert 0.2 <= seen.delay < 2


@pytest.mark.parametrize("then", [None, ReadTimeoutError(None, None, "Read timed out."), OSError("broken")])
def test_a_watch_that_ends_too_early(serve, then):
    stream = watched(("ADDED", note(11)), then=then)
    serve(Response(EMPTY), stream)
    with (
        pytest.raises(WaitTimeout, match=r"before 2 change(.|\n)*1 arrived: ADDED") as failed,
        raw_watch(PATH, events=2),
    ):
        pass
    assert str(then or "") in str(failed.value)
    assert stream.closed


def test_a_watch_without_a_change(serve):
    serve(Response(EMPTY), watched())
    with pytest.raises(WaitTimeout, match="0 arrived: none"), raw_watch(PATH, events=1):
        pass


def test_a_watch_that_the_server_ends_with_an_error(serve):
    gone = {"kind": "Status", "metadata": {}, "message": "too old resource version", "code": 410}
    serve(Response(EMPTY), watched(("ERROR", gone)))
    with (
        pytest.raises(WorkbookError, match=r"ended the watch(.|\n)*too old resource version"),
        raw_watch(PATH, events=1),
    ):
        pass


def test_an_error_in_the_block_closes_the_watch(serve):
    stream = watched()
    serve(Response(EMPTY), stream)
    with pytest.raises(ZeroDivisionError), raw_watch(PATH, events=1):
        1 / 0  # noqa: B018
    assert stream.closed


def test_a_watch_that_is_refused(serve):
    refusal = ApiException(status=404, reason="Not Found")
    refusal.body = '{"message": "the server could not find the requested resource"}'
    serve(refusal)
    with pytest.raises(WorkbookError, match=r"status 404(.|\n)*could not find"), raw_watch("/api/v9/pods", events=1):
        pass
