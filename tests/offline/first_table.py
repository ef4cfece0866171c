"""Execute a notebook in a running JupyterLab until it shows a table of Pods, and print it. It uses the API of JupyterLab's page.

Run by the Python of that JupyterLab. Arguments: the address that `make lab` prints, and the notebook.
"""

import json
import sys
from urllib.error import URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import nbformat
from jupyter_client.session import Session
from websocket import create_connection

from workbook.base.polling import poll

address = urlsplit(sys.argv[1])
token = parse_qs(address.query)["token"][0]
notebook = nbformat.read(sys.argv[2], as_version=4)


def request(path: str, content: bytes | None = None) -> bytes:
    """Send a request to JupyterLab, a POST if it has content; return the answer."""
    with urlopen(
        Request(f"http://{address.netloc}{path}", content, {"Authorization": f"token {token}"}), timeout=60
    ) as answer:
        return answer.read()


def page() -> bytes | None:
    """JupyterLab's page; None while JupyterLab does not listen: its address is printed before."""
    try:
        return request(address.path)
    except URLError:
        return None


assert b"jupyter-config-data" in poll(page, timeout=120), "this is not JupyterLab's page"
kernel = json.loads(request("/api/kernels", b"{}"))["id"]
channels = create_connection(f"ws://{address.netloc}/api/kernels/{kernel}/channels?token={token}", timeout=120)
for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
    content = {"code": cell.source, "silent": False, "store_history": True, "allow_stdin": False}
    message = Session().msg("execute_request", content) | {"channel": "shell"}
    channels.send(json.dumps(message, default=str))
    while True:
        reply = json.loads(channels.recv())
        if reply["header"]["msg_type"] == "error" and "raises-exception" not in cell.metadata.get("tags", []):
            sys.exit("\n".join(reply["content"]["traceback"]))
        table = reply["content"].get("data", {}).get("text/html", "")
        if "<table" in table and "kube-apiserver" in table:
            print(reply["content"]["data"]["text/plain"])
            sys.exit(0)
        if reply["header"]["msg_type"] == "execute_reply":
            break
sys.exit("no cell has shown a table of Pods")
