"""JupyterLab with the workbook's settings: its command, and a server for programs that read its pages."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from workbook.base.errors import WorkbookError
from workbook.base.lock import Busy, lock
from workbook.base.paths import home
from workbook.base.polling import poll
from workbook.base.scratch import scratch
from workbook.machine import server
from workbook.machine.session import FOLDERS, for_kernels

SETTINGS = Path(__file__).with_name("jupyterlab_settings")
"""No questions about news or updates; documents such as the glossary are shown rendered; cells that cannot run yet say so."""


@contextmanager
def jupyterlab(folder: Path, file: str) -> Iterator[tuple[list[str], dict[str, str], str]]:
    """Yield the command that runs JupyterLab on `folder`, its environment variables, and the address of a file in it.

    The command must end before the block does, which reserves its port. It only listens on this machine's loopback
    interface, and requires a token, which is part of the address.

    Documentation: https://jupyter-server.readthedocs.io/en/latest/operators/public-server.html
    """
    with _free_port() as port:
        yield _command(folder, file, port)


def _command(folder: Path, file: str, port: int) -> tuple[list[str], dict[str, str], str]:
    token = secrets.token_urlsafe(24)
    command = [sys.executable, "-m", server.__name__, f"--ServerApp.root_dir={folder}", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--LabApp.default_url=/lab/tree/{file}"]
    command += options()
    # The token is passed in the environment, since other users of this machine can read a command's arguments.
    return command, for_kernels() | {server.TOKEN: token}, f"http://127.0.0.1:{port}/lab/tree/{file}?token={token}"


def options() -> list[str]:
    """Return the options of JupyterLab that are the same on a learner's machine and in a class in a browser."""
    words = [f"--LabApp.app_settings_dir={SETTINGS}", "--log-level=WARN"]
    words += ["--LanguageServerManager.autodetect=False"]  # it would search for servers, and npm would leave a folder
    words += ["--allow-root"]  # without it, root cannot start JupyterLab
    # Terminals run `make shell`'s command: JupyterLab might start a login shell, which resets PATH.
    terminal = [sys.executable, "-m", "workbook.cli.shell"]
    return [*words, f"--ServerApp.terminado_settings={ {'shell_command': terminal} }"]


@contextmanager
def serve(folder: Path, file: str) -> Iterator[str]:
    """Run JupyterLab on `folder` during the block, with temporary folders; yield the address of a file in it.

    Raises:
        WorkbookError: JupyterLab does not start.
    """
    with (
        jupyterlab(folder, file) as (command, env, address),
        scratch() as own,
        (own / "log").open("w+", encoding="utf-8") as log,
    ):
        port = urlsplit(address).port or 0
        env = os.environ | env | dict.fromkeys(FOLDERS, str(own))
        command.append("--no-browser")
        with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as server:
            try:
                with suppress(TimeoutError):
                    poll(lambda: _listens(port) or server.poll() is not None, timeout=60)
                if not _listens(port):
                    printed = Path(log.name).read_text(encoding="utf-8", errors="replace")
                    raise WorkbookError("JupyterLab did not start.", printed[-1000:])
                yield address
            finally:
                server.terminate()


@contextmanager
def _free_port() -> Iterator[int]:
    """Reserve a port during the block. A JupyterLab that starts does not listen yet, so a lock keeps others away."""
    with ExitStack() as reserved:
        for port in count(8888):
            if _listens(port):
                continue
            try:
                reserved.enter_context(lock(home() / "jupyter" / f"{port}.lock", "JupyterLab"))
            except Busy:
                continue
            yield port
            return


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
