"""From `make lab` to the first table of Pods, when everything is installed and running."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from bench.measuring import Row, in_turn, versus
from bench.processes import BASE, shell_env, timed
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.base.paths import ROOT
from workbook.base.polling import poll
from workbook.machine.jupyterlab import SETTINGS
from workbook.publish.execute import QUIET

SCRIPT = Path(__file__).with_name("lab.sh")
ADDRESS = re.compile(r"(http://\S+)/lab\S*token=(\S+)")
COMMAND = "kubectl get pods --namespace kube-system --selector tier=control-plane"


def measure(options: Namespace) -> Iterator[Row]:
    """Measure until a cell has printed the Pods of the control plane. README.md describes what `make lab` is compared with."""
    first = until_table(find(("00",))[0])
    plain = new_notebook(cells=[new_code_cell(f"!{COMMAND}")])
    env = shell_env()
    ways: dict[str, Callable[[], float]] = {
        "workbook": partial(_open, (BASE, "-m", "workbook", "lab"), {}, first),
        "plain": partial(_open, ("sh", SCRIPT), env | {"SETTINGS": str(SETTINGS)}, plain),
        "shell": lambda: timed("sh", "-euc", f"docker info >/dev/null; kind get clusters; {COMMAND}", env=env),
    }
    in_turn(ways, rounds=1)  # not counted: fills caches
    results = in_turn(ways)
    yield versus(
        "make lab to the first table of Pods", "JupyterLab, !kubectl", results["workbook"], results["plain"], goal=1.5
    )
    yield versus("the same", "a shell without JupyterLab", results["workbook"], results["shell"], goal=None)


def until_table(notebook: Path) -> nbformat.NotebookNode:
    """The notebook with its cells up to the first table of Pods."""
    book: nbformat.NotebookNode = nbformat.read(notebook, as_version=4)
    last = next(index for index, cell in enumerate(book.cells) if cell.source.startswith("pods("))
    book.cells = book.cells[: last + 1]
    return book


def _open(command: Sequence[str | Path], env: Mapping[str, str], book: nbformat.NotebookNode) -> float:
    """The seconds from a command that starts JupyterLab until its server answers and a kernel has executed the notebook."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **env},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        server, token = next(found.groups() for line in process.stdout or () if (found := ADDRESS.search(line)))
        poll(partial(_answers, server, token), timeout=60, every=0.05)
        client = NotebookClient(
            nbformat.from_dict(book),
            kernel_name="python3",
            resources={"metadata": {"path": str(NOTEBOOKS)}},
            extra_arguments=QUIET,
        )
        outputs = client.execute(env={**os.environ, **env}).cells[-1].outputs
        took = time.perf_counter() - begun
        if "kube-apiserver" not in json.dumps(outputs):
            raise RuntimeError(f"there is no table: {outputs}")
        return took
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _answers(server: str, token: str) -> bool:
    """Whether JupyterLab's server accepts the token."""
    request = urllib.request.Request(f"{server}/api/status", headers={"Authorization": f"token {token}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(request, timeout=5).close()
    except OSError:
        return False
    return True
