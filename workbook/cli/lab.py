"""`make lab`: set everything up, then open the notebooks in JupyterLab."""

import os
import secrets
import socket
import sys
from pathlib import Path

from workbook.base.notebooks import NOTEBOOKS
from workbook.base.processes import attend
from workbook.machine.set_up import up

FIRST_NOTEBOOK = "00_start-here.ipynb"
SETTINGS = Path(__file__).with_name("jupyterlab")
"""JupyterLab's settings: no questions about news or updates; documents such as the glossary are shown rendered."""


def lab() -> int:
    """Set everything up, then run JupyterLab with the first notebook until the user ends it; return its exit status."""
    up()
    command, env, address = jupyterlab(NOTEBOOKS)
    print(f"JupyterLab: {address}\nEnd it with Ctrl-C.\n", flush=True)
    if not sys.stdout.isatty():
        command.append("--no-browser")
    return attend(command, env)


def jupyterlab(folder: Path) -> tuple[list[str], dict[str, str], str]:
    """Return the command that runs JupyterLab, variables for its environment, and the address of the first notebook.

    It listens on this machine's loopback only, and requires a token, which is part of the address.

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
        f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}",
        f"--LabApp.app_settings_dir={SETTINGS}",
        "--LanguageServerManager.autodetect=False",  # it would look for language servers, and npm would leave a folder
        "--log-level=WARN",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    # The token is passed in the environment, since other users of this machine can read a command's arguments.
    return command, {"JUPYTER_TOKEN": token}, f"http://127.0.0.1:{port}/lab/tree/{FIRST_NOTEBOOK}?token={token}"


def _free_port(first: int) -> int:
    """Return the first port from `first` on to which no process listens; 0, for any port, if 100 are taken."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    return 0
