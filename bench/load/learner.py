"""A simulated learner: follows the link, and runs notebooks on the learner's JupyterLab server, as a browser does."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import nbformat
import requests
from websocket import WebSocket, create_connection

from workbook.base.polling import poll

JSON = dict[str, Any]
SERVER = 120
"""Seconds that a learner waits until JupyterLab can be used."""
CELL = 300
"""Seconds without a message from the kernel after which a cell counts as lost."""


@dataclass(frozen=True)
class Cell:
    """One execution of a cell.

    Attributes:
        notebook: the notebook's name without `.ipynb`.
        index: the cell's position in the notebook.
        source: its first line.
        end: the time of its end, in seconds since the epoch.
        seconds: how long it ran.
        failure: what went wrong; empty when the cell did what its notebook says.
    """

    notebook: str
    index: int
    source: str
    end: float
    seconds: float
    failure: str


@dataclass
class Learner:
    """A learner with a link.

    Attributes:
        name: as in the list of links.
        link: the address with the token.
        begun: when the link was followed, in seconds since the epoch.
    """

    name: str
    link: str
    begun: float = 0
    _session: requests.Session = field(default_factory=requests.Session)
    _base: str = ""

    def log_in(self) -> float:
        """Follow the link, and wait until the server answers; return the seconds that this took.

        Raises:
            TimeoutError: the server doesn't answer within `SERVER` seconds.
        """
        self.begun = time.time()
        address = urlsplit(self.link)
        self._base = f"{address.scheme}://{address.netloc}/user/{self.name}/"
        poll(self._answers, timeout=SERVER, every=1)
        return time.time() - self.begun

    def _answers(self) -> bool:
        """Follow the link, and return whether this learner's own server answers, and not the hub's waiting page."""
        try:
            self._session.get(self.link, timeout=SERVER)
            answer = self._session.get(f"{self._base}api/status", timeout=SERVER)
        except requests.ConnectionError:  # nothing listens at the moment
            return False
        return answer.ok and "json" in answer.headers.get("content-type", "")

    def run(self, notebook: str, pause: float) -> Iterator[Cell]:
        """Run a notebook's code cells in a new kernel, and yield each result.

        Args:
            notebook: its name without `.ipynb`.
            pause: seconds in which a reader reads before each cell.
        """
        path = f"notebooks/{notebook}.ipynb"
        book = nbformat.from_dict(self._ask("GET", f"contents/{path}")["content"])
        with self.kernel(path) as execute:
            for index, cell in enumerate(book.cells):
                if cell.cell_type != "code" or not cell.source.strip():
                    continue
                time.sleep(pause)
                begun = time.time()
                error = execute(cell.source)
                end = time.time()
                failure = error
                if "raises-exception" in cell.metadata.get("tags", []):
                    failure = "" if error else "no error, but the notebook expects one"
                yield Cell(notebook, index, cell.source.splitlines()[0], end, end - begun, failure)

    @contextmanager
    def kernel(self, path: str = "notebooks/load.ipynb") -> Iterator[Callable[[str], str]]:
        """Start a kernel, and yield a function that executes source code and returns its error; empty without an error.

        Args:
            path: of the notebook that the kernel belongs to. It needn't exist, but its folder must.

        Documentation: https://jupyter-server.readthedocs.io/en/latest/developers/rest-api.html
        """
        wanted = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        session = self._ask("POST", "sessions", wanted)
        socket = self._connect(session["kernel"]["id"])
        try:
            yield partial(_execute, socket)
        finally:
            socket.close()
            with suppress(requests.RequestException):  # after a server that died, the session is gone, too
                self._ask("DELETE", f"sessions/{session['id']}")

    def _ask(self, method: str, path: str, body: JSON | None = None) -> JSON:
        """Send a request to the server's API, and return the decoded answer.

        Documentation: https://jupyter-server.readthedocs.io/en/latest/developers/rest-api.html
        """
        token = next((c.value for c in self._session.cookies if c.name == "_xsrf" and "/user/" in c.path), "")
        answer = self._session.request(
            method, f"{self._base}api/{path}", json=body, timeout=SERVER, headers={"X-XSRFToken": token}
        )
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def _connect(self, kernel: str) -> WebSocket:
        """A connection to the channels of a kernel."""
        address = f"{self._base.replace('http', 'ws', 1)}api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        origin = self._base.removesuffix(f"/user/{self.name}/")
        prepared = self._session.prepare_request(requests.Request("GET", f"{self._base}api/kernels"))
        return create_connection(
            address, timeout=CELL, origin=origin, header=[f"Cookie: {prepared.headers.get('Cookie', '')}"]
        )


def _execute(socket: WebSocket, source: str) -> str:
    """Execute source code, and return its error; empty without an error.

    Documentation: https://jupyter-client.readthedocs.io/en/stable/messaging.html
    """
    identifier = uuid.uuid4().hex
    header = {
        "msg_id": identifier,
        "msg_type": "execute_request",
        "username": "",
        "session": uuid.uuid4().hex,
        "version": "5.3",
    }
    content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
    socket.send(
        json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"})
    )
    error = ""
    while True:
        message = json.loads(socket.recv())
        if message["msg_type"] == "status" and message["content"]["execution_state"] in ("restarting", "dead"):
            return "the kernel died"
        if message["parent_header"].get("msg_id") != identifier:
            continue
        if message["msg_type"] == "error":
            error = f"{message['content']['ename']}: {message['content']['evalue']}"
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return error
