"""A watch survives failures of connections and API servers."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ProtocolError

from tests.api_server import Server, listed, pod, watched
from workbook.base.errors import WorkbookError
from workbook.base.polling import poll
from workbook.kube import watch
from workbook.kube.client import Api

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


def test_an_expired_login_is_reported_in_words_for_readers(server):
    server.serve(listed(10), ApiException(status=401, reason="Unauthorized"))
    with pytest.raises(WorkbookError, match=r"access to the cluster has expired(.|\n)*make class"):
        phases(server, 2)


class Silent(BaseHTTPRequestHandler):
    """An API server without objects. It ends each watch after the seconds that the client asks for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if "watch" in query:
            self.server.watches.append(self.client_address)
            time.sleep(int(query["timeoutSeconds"][0]))
        else:
            body = json.dumps({"metadata": {"resourceVersion": "1"}, "items": []}).encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


def test_watches_that_may_have_to_stop_share_a_connection(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "PERIOD", 1)
    with ThreadingHTTPServer(("127.0.0.1", 0), Silent) as http:
        http.watches = []
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        content = {
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{http.server_port}"}}],
            "users": [{"name": "u", "user": {}}],
        }
        config = tmp_path / "kubeconfig"
        config.write_text(yaml.safe_dump(content), encoding="utf-8")
        api = Api(SimpleNamespace(name="tests", kubeconfig=config, context="c", namespace="n", local=False))
        until = threading.Event()
        following = threading.Thread(target=lambda: list(watch.follow(api, "pods", timeout=60, until=until)))
        following.start()
        poll(lambda: len(http.watches) == 3, timeout=60)
        until.set()
        following.join(30)
        api.pool.clear()
        http.shutdown()
    assert not following.is_alive() and len({*http.watches}) == 1
