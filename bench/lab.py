"""From `make lab` to the first table of Pods, everything there already."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from bench.measuring import Row, in_turn, versus
from bench.processes import BASE, shell_env, timed
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.base.paths import ROOT
from workbook.cli.lab import SETTINGS
from workbook.publish.execute import QUIET

SCRIPT = Path(__file__).with_name("lab.sh")
ADDRESS = re.compile(r"(http://\S+)/lab\S*token=(\S+)")
COMMAND = "kubectl get pods --namespace kube-system --selector tier=control-plane"


def measure(options: Namespace) -> Iterator[Row]:
    """Both end when a notebook's cell has printed the Pods of the control plane; see README.md for the peer."""
    first = until_table(find(("00",))[0])
    plain = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"!{COMMAND}")])
    env = shell_env()
    ways = {
        "ours": partial(_open, (BASE, "-m", "workbook", "lab"), {}, first),
        "plain": partial(_open, ("sh", SCRIPT), env | {"SETTINGS": str(SETTINGS)}, plain),
        "shell": lambda: timed("sh", "-euc", f"docker info >/dev/null; kind get clusters; {COMMAND}", env=env),
    }
    in_turn(ways, rounds=1)  # not counted: what is cached at the first time
    found = in_turn(ways)
    yield versus("make lab to the first table of Pods", "JupyterLab, !kubectl", found["ours"], found["plain"], goal=1.5)
    yield versus("the same", "a shell without JupyterLab", found["ours"], found["shell"], goal=None)


def until_table(notebook: Path) -> nbformat.NotebookNode:
    """A notebook's cells up to the first that shows a table of Pods."""
    book = nbformat.read(notebook, as_version=4)
    last = next(at for at, cell in enumerate(book.cells) if cell.source.startswith("pods("))
    book.cells = book.cells[: last + 1]
    return book


def _open(command: Sequence[str | Path], env: Mapping[str, str], book: nbformat.NotebookNode) -> float:
    """The seconds from a command that starts JupyterLab until its server answers and a kernel has run the notebook."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **env},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        address = next(found for line in process.stdout if (found := ADDRESS.search(line)))
        _answering(*address.groups())
        before = {**os.environ}
        os.environ.update(env)
        try:
            client = NotebookClient(
                nbformat.from_dict(book),
                kernel_name="python3",
                resources={"metadata": {"path": str(NOTEBOOKS)}},
                extra_arguments=QUIET,
            )
            shown = client.execute().cells[-1].outputs
        finally:
            os.environ.clear()
            os.environ.update(before)
        took = time.perf_counter() - begun
        if "kube-apiserver" not in json.dumps(shown):
            raise RuntimeError(f"there is no table: {shown}")
        return took
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _answering(server: str, token: str, patience: float = 60) -> None:
    """Waits until JupyterLab's server lets the token in."""
    request = urllib.request.Request(f"{server}/api/status", headers={"Authorization": f"token {token}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + patience
    while True:
        try:
            opener.open(request, timeout=5).close()
            return
        except (OSError, urllib.error.URLError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # it says that it is ready only by answering
