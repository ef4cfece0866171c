"""Whether a registry has an image: asked by the engine, or, where that is Podman, by this process."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from docker.errors import APIError
from requests import Response

from workbook.engine import registry

STATUS = {
    "/v2/ada/web-app/manifests/1.0": 200,
    "/v2/ada/web-app/manifests/2.0": 404,
    "/v2/ada/web-app/manifests/3.0": 500,
}


class Registry(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(STATUS[self.path])
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def address():
    """A registry on the loopback interface."""
    with HTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"localhost:{server.server_port}"
        server.shutdown()


def engine(name, status):
    """An engine that answers the question about a registry with this status."""

    def inspect(image):
        if status != 200:
            response = Response()
            response.status_code = status
            raise APIError("no", response=response)

    version = {"Components": [{"Name": name}]}
    return SimpleNamespace(api=SimpleNamespace(inspect_distribution=inspect, version=lambda **_: version))


def test_podman_does_not_know_so_this_process_asks(address):
    podman = engine("Podman Engine", 404)
    assert registry.has(podman, f"{address}/ada/web-app:1.0")
    assert not registry.has(podman, f"{address}/ada/web-app:2.0")
    with pytest.raises(APIError, match="500"):
        registry.has(podman, f"{address}/ada/web-app:3.0")


def test_a_registry_that_does_not_answer_is_an_error():
    with pytest.raises(APIError, match="localhost:1/v2"):
        registry.has(engine("Podman Engine", 404), "localhost:1/ada/web-app:1.0")


def test_docker_asks_itself():
    assert registry.has(engine("Engine", 200), "registry.example.com/ada/web-app:1.0")
    assert not registry.has(engine("Engine", 404), "registry.example.com/ada/web-app:1.0")
    with pytest.raises(APIError):
        registry.has(engine("Engine", 500), "registry.example.com/ada/web-app:1.0")
