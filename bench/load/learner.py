"""A simulated learner: follows the link, and runs cells on the learner's JupyterLab server, as a browser does.

It needs no browser, of which twenty would slow down the machine that is measured. The tests of a class use it, too.
"""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import requests
from websocket import WebSocket, WebSocketTimeoutException, create_connection

from workbook.base.polling import poll

JSON = dict[str, Any]
SERVER = 300
"""Seconds that a learner waits until JupyterLab can be used."""
CELL = 600
"""Seconds without output after which a cell counts as lost."""
SILENCE = 15
"""Seconds without a message from the kernel after which it is asked for one."""
DEAD = 120
"""Seconds without a message after which a kernel counts as dead. On a busy machine, answers are late."""


@dataclass(frozen=True)
class Cell:
    """One execution of a cell.

    Attributes:
        notebook: the notebook's name without `.ipynb`.
        index: the cell's position in the notebook.
        source: what it contains.
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


class Learner:
    """A learner with a link.

    Args:
        name: as in the list of links.
        link: the address with the token.
    """

    def __init__(self, name: str, link: str) -> None:
        self.name, self.link = name, link
        self.browser = requests.Session()
        address = urlsplit(link)
        self._origin = f"{address.scheme}://{address.netloc}"
        self.desk = f"{self._origin}/user/{name}"

    def log_in(self) -> float:
        """Follow the link until the learner's server answers; return the seconds that this took.

        Raises:
            TimeoutError: the server doesn't answer within `SERVER` seconds.
        """
        begun = time.time()
        poll(self._answers, timeout=SERVER, every=1)
        return time.time() - begun

    def _answers(self) -> bool:
        """Whether this learner's own server answers, and not the hub's waiting page."""
        try:
            self.browser.get(self.link, timeout=SERVER)
            self.browser.get(f"{self.desk}/lab", timeout=SERVER)  # logs in to the server, once it runs
            answer = self.browser.get(f"{self.desk}/api/status", timeout=SERVER)
        except requests.ConnectionError:  # nothing listens at the moment
            return False
        return answer.ok and "json" in answer.headers.get("content-type", "")

    def walk(self, notebook: str, pause: float) -> Iterator[Cell]:
        """Run a notebook's code cells in a new kernel, and yield each result.

        Args:
            notebook: its name without `.ipynb`.
            pause: seconds in which a reader reads before each cell.
        """
        path = f"notebooks/{notebook}.ipynb"
        book = nbformat.from_dict(self.ask("GET", f"contents/{path}")["content"])
        with self.kernel(path) as kernel, closing(self.connect(kernel)) as connection:
            for index, cell in enumerate(book.cells):
                if cell.cell_type != "code" or not cell.source.strip():
                    continue
                time.sleep(pause)
                begun = time.time()
                _, failure = connection.run(cell.source)
                end = time.time()
                if "raises-exception" in cell.metadata.get("tags", []):
                    failure = "" if failure else "no error, but the notebook expects one"
                yield Cell(notebook, index, cell.source, end, end - begun, failure)

    @contextmanager
    def kernel(self, path: str = "") -> Iterator[str]:
        """Start a kernel, yield its identifier, and end it.

        Args:
            path: of the notebook that the kernel belongs to. Without one, it's a new name: two sessions of the same notebook
                would have the same kernel, which ends with the first of them.
        """
        path = path or f"notebooks/{uuid.uuid4().hex}.ipynb"  # it needn't exist, but its folder must
        wanted = {"path": path, "name": Path(path).name, "type": "notebook", "kernel": {"name": "python3"}}
        session = self.ask("POST", "sessions", wanted)
        try:
            yield session["kernel"]["id"]
        finally:
            with suppress(requests.RequestException):  # after a server that died, the session is gone, too
                self.ask("DELETE", f"sessions/{session['id']}")

    def ask(self, method: str, path: str, body: JSON | None = None) -> JSON:
        """Send a request to the server's API, and return the decoded answer.

        Raises:
            requests.RequestException: no answer, or a refusal.

        Documentation: https://jupyter-server.readthedocs.io/en/latest/developers/rest-api.html
        """
        # The hub has a cookie of the same name for its own pages.
        own = (cookie.value for cookie in self.browser.cookies if cookie.name == "_xsrf" and "/user/" in cookie.path)
        headers = {"X-XSRFToken": next(own, None), "Referer": f"{self.desk}/lab"}
        answer = self.browser.request(method, f"{self.desk}/api/{path}", json=body, timeout=SERVER, headers=headers)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def connect(self, kernel: str) -> "Connection":
        """Connect to a kernel's channels.

        Args:
            kernel: its identifier.
        """
        cookies = self.browser.prepare_request(requests.Request("GET", f"{self.desk}/api/kernels")).headers["Cookie"]
        address = f"{self.desk.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        channel = create_connection(address, timeout=SILENCE, origin=self._origin, cookie=cookies)
        return Connection(channel)


@dataclass
class Connection:
    """A connection to a kernel.

    Attributes:
        channel: the web socket.
        process: the identifier of the kernel's process, which is another one after a restart; empty if it isn't known yet.

    Documentation: https://jupyter-client.readthedocs.io/en/stable/messaging.html
    """

    channel: WebSocket
    process: str = ""

    def close(self) -> None:
        """Close the connection; the kernel stays."""
        self.channel.close()

    def run(self, source: str) -> tuple[str, str]:
        """Run source code; return what it printed, and its error, which is empty without one.

        Raises:
            WebSocketTimeoutException: the code neither ends nor prints anything for `CELL` seconds.
        """
        self.process = self.process or self._ask()
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
        identifier = self._send("shell", "execute_request", content)
        printed, error, heard = "", "", time.monotonic()
        for message in self._messages():
            sort, body = message["msg_type"], message["content"]
            state = body["execution_state"] if sort == "status" else ""
            if state in ("restarting", "dead"):
                break
            if sort == "kernel_info_reply" and message["header"]["session"] != self.process:
                break  # the server doesn't always report a restart
            if message["parent_header"].get("msg_id") != identifier:
                if time.monotonic() > heard + CELL:
                    raise WebSocketTimeoutException(f"The cell has printed nothing for {CELL} s.")
                continue
            heard = time.monotonic()
            if sort == "stream":
                printed += body["text"]
            elif sort in ("execute_result", "display_data"):
                printed += body["data"].get("text/plain", "")
            elif sort == "error":
                error = f"{body['ename']}: {body['evalue']}"
                printed += "\n".join(body["traceback"])
            elif state == "idle":
                return printed, error
        self.process = ""
        return printed, "the kernel died"

    def _ask(self) -> str:
        """The identifier of the kernel's process, once its output arrives, too; empty if it does not answer.

        If the kernel is busy at that moment, the server does not wait until it is subscribed to the output.
        """
        self._send("control", "kernel_info_request", {})
        process, subscribed = "", False
        for message in self._messages():
            if message["msg_type"] == "kernel_info_reply":
                process = message["header"]["session"]
            subscribed = subscribed or message["channel"] == "iopub"
            if process and subscribed:
                return process
        return ""

    def _send(self, channel: str, sort: str, content: JSON) -> str:
        """Send a message to the kernel, and return its identifier. On `control`, a kernel answers while it runs a cell."""
        identifier, session = uuid.uuid4().hex, uuid.uuid4().hex
        header = {"msg_id": identifier, "msg_type": sort, "session": session, "username": "", "version": "5.3"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": channel}
        self.channel.send(json.dumps(message))
        return identifier

    def _messages(self) -> Iterator[JSON]:
        """The kernel's messages. A silent kernel is asked for one, and counts as dead after `DEAD` seconds without any."""
        silent = 0
        while silent < DEAD:
            try:
                message = json.loads(self.channel.recv())
            except WebSocketTimeoutException:
                silent += SILENCE
                self._send("control", "kernel_info_request", {})
            else:
                silent = 0
                yield message
