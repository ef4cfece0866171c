"""Asks a running JupyterLab for a notebook's first table, by the same way as its page does; for the Python of that Lab.

Its arguments: the address that `make lab` prints, and the notebook.
"""

import json
import sys
import time
import uuid
from urllib.error import URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import nbformat
from websocket import create_connection

address = urlsplit(sys.argv[1])
token = parse_qs(address.query)["token"][0]
notebook = nbformat.read(sys.argv[2], as_version=4)


def ask(path, content=None):
    request = Request(f"http://{address.netloc}{path}", content, {"Authorization": f"token {token}"})
    with urlopen(request, timeout=60) as answer:
        return answer.read()


def page(patience=120):
    """JupyterLab's page, once it is there: its address is printed before it listens."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return ask(address.path)
        except URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


assert b"jupyter-config-data" in page(), "this is not JupyterLab's page"
kernel = json.loads(ask("/api/kernels", b"{}"))["id"]
channels = create_connection(f"ws://{address.netloc}/api/kernels/{kernel}/channels?token={token}", timeout=120)
for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "session": "s",
        "username": "",
        "version": "5.3",
    }
    content = {"code": cell.source, "silent": False, "store_history": True, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    channels.send(json.dumps(message))
    while True:
        said = json.loads(channels.recv())
        if said["header"]["msg_type"] == "error":
            sys.exit("\n".join(said["content"]["traceback"]))
        if "<table" in said["content"].get("data", {}).get("text/html", ""):
            print(said["content"]["data"]["text/plain"])
            sys.exit(0)
        if said["header"]["msg_type"] == "execute_reply":
            break
sys.exit("no cell has shown a table")
