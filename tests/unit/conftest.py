"""A simulated cluster: a small API server, a kubectl that is a shell script, and a set-up that does nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests import docker_api
from workbook.base.labels import MANAGED
from workbook.base.paths import clusters
from workbook.kube import kubeconfig, kubectl


class ApiServer(ThreadingHTTPServer):
    """Answer lists of `objects`, each in the order of their keys; note the requests.

    `objects` holds lists by the resource's plural word, `tables` the server's Table views, `refused` the methods that it forbids.
    """

    daemon_threads = True
    version = "v1.36.3"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, list[dict]] = {}
        self.tables: dict[str, dict] = {}
        self.refused: set[str] = set()
        self.requests: list[str] = []

    def add(self, resource: str, name: str, *, uid: str = "", labels: dict | None = None, **fields) -> dict:
        """Put an object into the server and return it; its UID is its name by default."""
        item = {"metadata": {"name": name, "uid": uid or name, "labels": labels or {}}, **fields}
        self.objects.setdefault(resource, []).append(item)
        return item

    def find(self, resource: str, name: str) -> dict | None:
        return next((item for item in self.objects.get(resource, []) if item["metadata"]["name"] == name), None)


class Handler(BaseHTTPRequestHandler):
    server: ApiServer

    def answer(self, body: dict, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_request(self) -> None:
        url = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        self.server.requests.append(f"{self.command} {self.path}")
        if self.command in self.server.refused:
            self.answer({"message": f"{self.command} is forbidden"}, 403)
        elif url.path == "/version":
            self.answer({"gitVersion": self.server.version})
        elif self.command == "PATCH":
            resource, name = url.path.split("/")[-2:]
            data = self.server.find(resource, name)["data"]
            data.update(body["data"])
            for key in [key for key, value in data.items() if value is None]:
                del data[key]
            self.answer({})
        elif self.command == "POST":
            self.server.objects.setdefault(url.path.split("/")[-1], []).append(body)
            self.answer({}, 201)
        elif "as=Table" in self.headers["Accept"]:
            self.answer(self.server.tables[url.path.split("/")[-1]])
        else:
            query = {key: value for key, [value] in parse_qs(url.query).items()}
            items = self.server.objects.get(url.path.split("/")[-1], [])
            matching = [item for item in items if self.matches(item["metadata"], query)]
            self.answer({"metadata": {"resourceVersion": "1"}, "items": matching})

    def matches(self, metadata: dict, query: dict[str, str]) -> bool:
        wanted = dict(part.split("=") for part in query.get("labelSelector", "").split(",") if part)
        name = query.get("fieldSelector", "").removeprefix("metadata.name=")
        return metadata.get("labels", {}).items() >= wanted.items() and name in ("", metadata["name"])

    do_GET = do_PATCH = do_POST = handle_request

    def log_message(self, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def api_server(home, monkeypatch) -> Iterator[ApiServer]:
    """The API server of an existing cluster, in which the workbook only uses the namespace `shop`."""
    with ApiServer() as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        settings = {"CLUSTER": "existing", "CONTEXT": "cloud", "NAMESPACE": "shop", "REGISTRY": "registry:5000"}
        for name, value in settings.items():
            monkeypatch.setenv(f"WORKBOOK_{name}", value)
        config = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "contexts": [{"name": "cloud", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {"token": "secret"}}],
        }
        kubeconfig.write(clusters() / "workbook/kubeconfig", yaml.safe_dump(config), "cloud", "shop")
        server.add("namespaces", "shop", labels=MANAGED)
        server.add("serviceaccounts", "default")
        server.add("nodes", "node", status={"conditions": [{"type": "Ready", "status": "True"}]})
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def no_kubectl(monkeypatch):
    """The kubectl in this Python environment is not found by this process, so that tests choose the one that is."""
    monkeypatch.setattr(kubectl, "installed", lambda: None)


@pytest.fixture
def kubectl_script(api_server, program):
    """A function that makes kubectl run these lines of shell; its version is the API server's."""
    version = json.dumps({"clientVersion": {"gitVersion": api_server.version}})
    return lambda script: program("kubectl", f"[ \"$1\" = version ] && echo '{version}' && exit\n{script}")


SET_UP = """
import sys
from pathlib import Path
from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.steps import step
from workbook.machine import journal

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
with lock(journal.lock_file(folder), "set-up"), journal.recorded(folder):
    with step("Compile etcd v3"):
        if sys.stdin.readline() == "fail\\n":
            raise WorkbookError("The disk is full.", "0 bytes are free.", "Free some space.")
"""
"""A program that behaves like a set-up with one step. The step ends, or fails, with a line of standard input."""


@pytest.fixture
def set_up_process(home) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """A function that starts such a set-up of the learner's own cluster, and returns its process when the step has begun."""
    started = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SET_UP, str(clusters() / "workbook")]
        process = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        started.append(process)
        assert process.stdout and "· Compile etcd v3" in process.stdout.readline()
        return process

    yield start
    for process in started:
        with process:
            process.kill()


@pytest.fixture
def docker_engine(home, monkeypatch) -> Iterator[docker_api.DockerApi]:
    """An engine that DOCKER_HOST names; the reader's Docker configuration is empty."""
    with docker_api.serving() as server:
        monkeypatch.setenv("DOCKER_HOST", server.url)
        monkeypatch.setenv("DOCKER_CONFIG", str(home / "docker"))
        yield server
