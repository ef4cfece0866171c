"""JupyterLab: on a free port of the loopback interface, with a token that no other user and no child process sees; and the environment of its children."""

import json
import os
import socket
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest
import websocket
from jupyter_client.session import Session

from workbook.base.lock import holder
from workbook.base.paths import ROOT
from workbook.cli.lab import FIRST_NOTEBOOK
from workbook.cluster.current import current
from workbook.kube.kubectl import folder
from workbook.machine.jupyterlab import SETTINGS, jupyterlab, serve


def test_the_token_is_in_the_address_and_not_among_the_arguments():
    with jupyterlab(ROOT, FIRST_NOTEBOOK) as (command, variables, address):
        pass
    token = variables["JUPYTER_TOKEN"]
    assert address.endswith(f"/lab/tree/{FIRST_NOTEBOOK}?token={token}") and len(token) >= 32
    assert not any(token in word for word in command)
    assert "--ServerApp.ip=127.0.0.1" in command and address.startswith("http://127.0.0.1:")
    assert (ROOT / FIRST_NOTEBOOK).exists() and (SETTINGS / "overrides.json").exists()
    with jupyterlab(ROOT, FIRST_NOTEBOOK) as (_, others, _):
        assert others["JUPYTER_TOKEN"] != token, "two runs have the same token"


def port(address):
    return urlsplit(address).port


def test_a_port_that_is_taken_is_not_used(home):
    with jupyterlab(ROOT, FIRST_NOTEBOOK) as (_, _, address):
        taken = port(address)
    with (
        socket.create_server(("127.0.0.1", taken)),
        jupyterlab(ROOT, FIRST_NOTEBOOK) as (command, _, other),
    ):
        assert port(other) != taken and f"--ServerApp.port={port(other)}" in command


def test_two_that_start_at_the_same_time_have_different_ports(home):
    with jupyterlab(ROOT, FIRST_NOTEBOOK) as (_, _, first), jupyterlab(ROOT, FIRST_NOTEBOOK) as (_, _, second):
        assert port(first) != port(second), "neither of them listens yet"
    assert holder(home / f"jupyter/{port(first)}.lock") == "", "it stays reserved"


class Server:
    """A running JupyterLab, used through the same API as its page."""

    def __init__(self, address):
        parts = urlsplit(address)
        self.host, [self.token] = parts.netloc, parse_qs(parts.query)["token"]

    def post(self, path, token=None, **options):
        body = json.dumps(options).encode()
        request = Request(f"http://{self.host}{path}", body, {"Authorization": f"token {token or self.token}"})
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def connect(self, path):
        return websocket.create_connection(f"ws://{self.host}{path}?token={self.token}", timeout=30)

    def in_a_kernel(self, code):
        """The output of the code in a new kernel."""
        channels = self.connect(f"/api/kernels/{self.post('/api/kernels')['id']}/channels")
        request = Session().msg("execute_request", {"code": code, "silent": False})
        channels.send(json.dumps(request | {"channel": "shell"}, default=str))
        printed, state = "", ""
        while state != "idle":  # which follows all that was printed
            message = json.loads(channels.recv())
            if message["parent_header"].get("msg_id") == request["msg_id"]:
                state = message["content"].get("execution_state")
                printed += message["content"].get("text", "")
        return printed

    def in_a_terminal(self, line, **options):
        """The output of the line in a new terminal."""
        terminal = self.connect(f"/terminals/websocket/{self.post('/api/terminals', **options)['name']}")
        terminal.send(json.dumps(["stdin", f"{line}; echo en''d\r"]))
        printed = ""
        while "\nend" not in printed:
            kind, *rest = json.loads(terminal.recv())
            printed += rest[0] if kind == "stdout" else ""
        return printed


@pytest.fixture(scope="module")
def server():
    """A JupyterLab that was started with tokens of other servers in the environment."""
    others = {"JPY_API_TOKEN": "a", "JUPYTERHUB_API_TOKEN": "b", "JUPYTER_TOKEN": "c", "CONFIGPROXY_AUTH_TOKEN": "d"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**others, "KUBECONFIG": "/reader/config", "HTTPS_PROXY": "http://me:secret@proxy"}.items():
            patch.setenv(name, value)
        with serve(ROOT, FIRST_NOTEBOOK) as address:
            yield Server(address)


@pytest.mark.parametrize(
    "child",
    [
        lambda server: server.in_a_kernel("import os; print(*map('='.join, os.environ.items()), sep='\\n')"),
        lambda server: server.in_a_kernel("!env"),
        lambda server: server.in_a_terminal("echo; env"),  # the prompt is on the first line
    ],
    ids=["kernel", "command in a kernel", "terminal"],
)
def test_a_child_has_no_token_and_uses_the_workbooks_cluster(server, child):
    found = dict(line.strip().partition("=")[::2] for line in child(server).splitlines())
    assert [name for name in found if "TOKEN" in name] == [] and server.token not in str(found)
    assert found["KUBECONFIG"] == str(current().kubeconfig)
    assert str(folder(current())) in found["PATH"].split(":")
    assert found["HTTPS_PROXY"] == "http://me:secret@proxy", "a child cannot do without the proxy"


def test_a_terminal_opens_where_the_paths_of_the_manifests_begin(server):
    assert f"\n{ROOT}\r" in server.in_a_terminal("echo; pwd", cwd="notebooks")


def test_the_token_is_needed(server):
    with pytest.raises(OSError, match="403"):
        server.post("/api/kernels", token="c")


def test_it_ends_with_its_own_exit_status_although_a_request_was_cut_off(tmp_path):
    """The thread of such a request never ends, and Python would wait for it."""
    package = tmp_path / "jupyterlab"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import sys, threading\nthreading.Thread(target=threading.Event().wait).start()\nprint('stopped')\nsys.exit(3)",
        encoding="utf-8",
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]), "JUPYTER_TOKEN": "t"}
    command = [sys.executable, "-m", "workbook.machine.server"]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, encoding="utf-8", timeout=60)
    assert (done.returncode, done.stdout) == (3, "stopped\n")
