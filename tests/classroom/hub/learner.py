"""A learner in a browser, without the browser: the requests that it would send."""

import json
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import requests
import websocket

from tests.cells import code_cells
from workbook.base.polling import poll
from workbook.publish.execute import failed


class Learner:
    """A learner who has opened a link.

    Args:
        name: the learner's name.
        link: the learner's link.
    """

    def __init__(self, name: str, link: str) -> None:
        self.name, self.link = name, link
        self.browser = requests.Session()
        parts = urlsplit(link)
        self.address = f"{parts.scheme}://{parts.netloc}"
        self.desk = f"{self.address}/user/{name}"
        self.kernel = ""

    def come(self, timeout: float = 300) -> float:
        """Open the link until the desk answers; return the seconds that this took."""
        begun = time.monotonic()
        self.browser.get(self.link)
        poll(self._sits, timeout=timeout, every=1)
        return time.monotonic() - begun

    def _sits(self) -> bool:
        page = self.browser.get(f"{self.desk}/lab")  # logs in to the desk, once it runs
        if page.status_code == 200 and urlsplit(page.url).path.startswith(urlsplit(self.desk).path):
            return self.browser.get(f"{self.desk}/api/status").status_code == 200
        self.browser.get(self.link)
        return False

    def send(self, method: str, path: str, content: dict[str, str]) -> requests.Response:
        """Send a request to the desk's interface, as JupyterLab does."""
        tokens = [cookie.value for cookie in self.browser.cookies if cookie.name == "_xsrf"]
        answer = None
        for token in reversed(tokens):  # the hub's cookie has the same name
            headers = {"X-XSRFToken": token, "Referer": f"{self.desk}/lab"}
            answer = self.browser.request(method, f"{self.desk}/api/{path}", json=content, headers=headers)
            if answer.status_code != 403:
                return answer
        assert answer is not None, "no cookie"
        return answer

    def run(self, code: str, timeout: float = 600) -> tuple[str, str]:
        """Run code in the learner's kernel, started if there is none; return what it printed, and the error's name."""
        if not self.kernel:
            answer = self.send("POST", "kernels", {"name": "python3", "path": "notebooks"})
            assert answer.status_code == 201, answer.text
            self.kernel = answer.json()["id"]
        url = f"ws{self.desk.removeprefix('http')}/api/kernels/{self.kernel}/channels"
        prepared = self.browser.prepare_request(requests.Request("GET", f"{self.desk}/api/kernels"))
        channel = websocket.create_connection(
            url, cookie=prepared.headers["Cookie"], origin=self.address, timeout=timeout
        )
        message = uuid.uuid4().hex
        header = {
            "msg_id": message,
            "msg_type": "execute_request",
            "session": uuid.uuid4().hex,
            "username": "",
            "version": "5.4",
        }
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
        request = {
            "header": header,
            "parent_header": {},
            "metadata": {},
            "content": content,
            "channel": "shell",
            "buffers": [],
        }
        channel.send(json.dumps(request))
        printed, error = "", ""
        while True:
            answer = json.loads(channel.recv())
            if answer["parent_header"].get("msg_id") != message:
                continue
            kind, body = answer["msg_type"], answer["content"]
            if kind == "stream":
                printed += body["text"]
            elif kind in ("execute_result", "display_data"):
                printed += body["data"].get("text/plain", "")
            elif kind == "error":
                error = body["ename"]
                printed += "\n".join(body["traceback"])
            elif kind == "status" and body["execution_state"] == "idle":
                channel.close()
                return printed, error

    def work_through(self, path: Path) -> None:
        """Run all cells of a notebook, and compare: a cell fails if it should, and prints the recorded checks."""
        self.kernel = ""
        for cell in code_cells(nbformat.read(path, as_version=4)):
            if not cell.source.strip():
                continue
            printed, error = self.run(cell.source)
            assert bool(error) == failed(cell), f"{cell.source}\n{printed}"
            recorded = "".join(output.get("text", "") for output in cell.outputs)
            checks = [line for line in recorded.splitlines() if line.startswith(("✓", "✗"))]
            if "nbval-ignore-output" not in cell.metadata.get("tags", []):
                assert [line for line in printed.splitlines() if line.startswith(("✓", "✗"))] == checks, printed
