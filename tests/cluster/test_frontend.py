"""The frontend, in its container, with a backend that works, is missing, is slow, is broken, or sends nonsense."""

import ipaddress
import platform
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from workbook import page
from workbook.cluster.current import current
from workbook.engine.pull import present
from workbook.lessons.build import build

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(platform.system() != "Linux", reason="needs containers that reach this machine by its bridge"),
]
ANSWERS = {
    "well": (200, b"Welcome!"),
    "broken": (500, b"Welcome!"),
    "missing": (404, b"Welcome!"),
    "binary": (200, b"\xff\xfe\x00\x01"),
    "control": (200, b"Welcome!\x1b[2J"),
    "huge": (200, b"x" * 20_000),
    "script": (200, b"<script>alert('hello')</script>"),
}


class Backend(BaseHTTPRequestHandler):
    mode = "well"

    def do_GET(self):
        if self.mode == "slow":
            time.sleep(8)
        status, body = ANSWERS.get(self.mode, ANSWERS["well"])
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) + (1 if self.mode == "endless" else 0)))
        self.end_headers()
        self.wfile.write(body)
        if self.mode == "endless":
            self.wfile.flush()
            time.sleep(8)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def container():
    """The frontend's container, and the server that it asks."""
    if current().provider == "minikube":
        pytest.skip("the engine is in minikube's node, which does not reach this machine")
    engine = current().docker()
    if not present(engine, "frontend:1.0"):
        build("frontend:1.0", log=False)
    bridge = str(ipaddress.ip_network(engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Subnet"])[1])
    with ThreadingHTTPServer((bridge, 0), Backend) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running = engine.containers.run(
            "frontend:1.0", detach=True, environment={"WEBAPP_URL": f"http://{bridge}:{server.server_port}"}
        )
        running.reload()
        running.server = server
        running.url = f"http://{running.attrs['NetworkSettings']['Networks']['bridge']['IPAddress']}:8080"
        yield running
        running.remove(force=True)


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("well", ">Welcome!</p>"),
        ("script", ">&lt;script&gt;alert('hello')&lt;/script&gt;</p>"),
        *(
            (mode, ">ERROR RECEIVED</p>")
            for mode in ("broken", "missing", "slow", "endless", "binary", "control", "huge")
        ),
    ],
)
def test_what_a_visitor_sees(container, mode, shown):
    Backend.mode = mode
    begun = time.monotonic()
    answer = page(container.url)
    assert answer.status == 200 and shown in answer.text
    assert time.monotonic() - begun < 6, "a visitor waits for the timeout of two seconds, not for the backend"


def test_the_page_is_accessible(container):
    Backend.mode = "well"
    text = page(container.url).text
    for part in ('<html lang="en">', "<title>Frontend</title>", 'name="viewport"', "<main>", "<h1>", 'role="status"'):
        assert part in text
    Backend.mode = "broken"
    assert 'role="alert"' in page(container.url).text


def test_health_does_not_depend_on_the_backend(container):
    Backend.mode = "broken"
    assert repr(page(f"{container.url}/health")) == "HTTP 200 OK\nOK\n"
    assert page(f"{container.url}/elsewhere").status == 404


def test_it_recovers_and_in_the_end_goes_gracefully(container):
    Backend.mode = "well"
    assert ">Welcome!</p>" in page(container.url).text
    container.server.shutdown()
    container.server.server_close()
    assert ">ERROR RECEIVED</p>" in page(container.url).text
    begun = time.monotonic()
    container.stop(timeout=20)
    assert time.monotonic() - begun < 15, "SIGTERM was not heard"
    assert container.logs().decode().splitlines()[-1] == "Ended."
