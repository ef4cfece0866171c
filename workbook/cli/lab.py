"""`make lab`: set everything up, then open the notebooks in JupyterLab."""

import os
import secrets
import socket
import sys
from pathlib import Path

from workbook.base.notebooks import NOTEBOOKS
from workbook.base.processes import attend
from workbook.machine.set_up import up

FIRST = "00_start-here.ipynb"
SETTINGS = Path(__file__).with_name("jupyterlab")
"""JupyterLab's settings: it asks nobody for news or updates, and shows a document, such as the glossary, as it is to be read."""


def lab() -> int:
    """Sets everything up, then runs JupyterLab on the first notebook until it is ended; returns its exit status."""
    up()
    command, env, address = jupyterlab(NOTEBOOKS)
    print(f"JupyterLab: {address}\nEnd it with Ctrl-C.\n", flush=True)
    if not sys.stdout.isatty():
        command.append("--no-browser")
    return attend(command, env)


def jupyterlab(folder: Path) -> tuple[list[str], dict[str, str], str]:
    """The command that runs JupyterLab, the variables to add to its environment, and the address of the first notebook.

    It listens on this machine's loopback only, and asks for a token, which is in the address.

    Args:
        folder: where the notebooks are.

    Documentation: https://jupyter-server.readthedocs.io/en/latest/operators/public-server.html
    """
    port, token = _free_port(8888), secrets.token_urlsafe(24)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
        f"--LabApp.app_settings_dir={SETTINGS}",
        "--LanguageServerManager.autodetect=False",  # it would look for editors' helpers, and have npm leave a folder
        "--log-level=WARN",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    # The token by the environment: other users of this machine can read a command's arguments.
    return command, {"JUPYTER_TOKEN": token}, f"http://127.0.0.1:{port}/lab/tree/{FIRST}?token={token}"


def _free_port(first: int) -> int:
    """The first port from `first` on that nothing on this machine listens on."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    return 0
