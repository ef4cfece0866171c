"""The program that starts all desks, with a hub that only notes what it is asked."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.programs import load
from workbook.base.paths import ROOT

PROGRAM = ROOT / "classroom" / "hub" / "start_desks.py"
ENDS = {"ada": {"ready": True}, "bob": {}, "eve": {"pending": "spawn"}}


class Hub(BaseHTTPRequestHandler):
    """Knows the learners by a cookie. A desk that is started is pending at the first question, and then as `ENDS` says."""

    def do_GET(self) -> None:
        server: SimpleNamespace = self.server.seen
        url = urlsplit(self.path)
        name = parse_qs(url.query).get("token", [self.headers.get("Cookie", "").removeprefix("name=")])[0]
        server.requests.append((name, url.path))
        if server.silent == name:
            self.close_connection = True
            return
        body = {}
        if url.path == "/hub/api/user":
            states = server.states.get(name, [{}])
            state = states.pop(0) if len(states) > 1 else states[0]
            body = {"servers": {"": state} if state else {}}
        elif url.path == "/hub/spawn":
            server.states[name] = [{"pending": "spawn", "ready": False}, ENDS[name]]
        data = json.dumps(body).encode()
        self.send_response(200)
        if url.path == "/hub/link":
            self.send_header("Set-Cookie", f"name={name}; Path=/")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path):
    """The hub's address, the folder with the links, what was asked, and each desk's next states."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        address = f"http://127.0.0.1:{server.server_port}/hub"
        server.seen = SimpleNamespace(requests=[], states={}, silent="", address=address, links=tmp_path)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.seen
        server.shutdown()


@pytest.fixture
def program(monkeypatch):
    program = load(PROGRAM)
    monkeypatch.setattr(program, "PAUSE", 0.01)
    return program


def invite(hub, *names):
    """Write the files of a Secret with these names, and the folder in which Kubernetes keeps them."""
    (hub.links / "..data").mkdir()
    for name in names:
        (hub.links / name).write_text(name, encoding="utf-8")


def test_a_desk_that_runs_is_left_alone(hub, program, capsys):
    invite(hub, "ada")
    hub.states["ada"] = [{"ready": True}]
    program.main(hub.address, hub.links)
    assert capsys.readouterr().out.split() == []
    assert hub.requests == [("ada", "/hub/link"), ("ada", "/hub/api/user")]


def test_each_desk_is_started_once_and_those_that_fail_are_named(hub, program, capsys):
    invite(hub, "ada", "bob")
    program.main(hub.address, hub.links)
    assert capsys.readouterr().out.split() == ["bob"]
    assert sorted(request for request in hub.requests if request[1] == "/hub/spawn") == [
        ("ada", "/hub/spawn"),
        ("bob", "/hub/spawn"),
    ]


def test_a_desk_that_starts_already_is_only_waited_for(hub, program, capsys):
    invite(hub, "ada")
    hub.states["ada"] = [{"pending": "spawn"}, {"pending": "spawn"}, {"ready": True}]
    program.main(hub.address, hub.links)
    assert capsys.readouterr().out.split() == []
    assert ("ada", "/hub/spawn") not in hub.requests


def test_the_class_does_not_wait_for_a_desk_forever(hub, program, capsys):
    invite(hub, "ada", "eve")
    hub.states["ada"] = [{"ready": True}]  # at the first question, so that it doesn't matter how busy the machine is
    program.main(hub.address, hub.links, patience=0.2)
    assert capsys.readouterr().out.split() == ["eve"]


def test_one_lost_answer_does_not_stop_the_other_desks(hub, program, capsys):
    invite(hub, "ada", "bob")
    hub.silent = "bob"
    hub.states["ada"] = [{}, {"pending": "spawn"}, {"ready": True}]
    program.main(hub.address, hub.links)
    assert capsys.readouterr().out.split() == ["bob"]
    assert ("ada", "/hub/spawn") in hub.requests
