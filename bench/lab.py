"""From `make lab` to notebook 00, and on to the first table of Pods."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from bench.measuring import Row, in_turn, versus
from bench.processes import BARE, BASE, TIMEOUT, shell_env, timed
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.base.paths import ROOT
from workbook.base.polling import poll
from workbook.cli.lab import FIRST_NOTEBOOK
from workbook.machine.jupyterlab import SETTINGS
from workbook.publish.execute import QUIET

SCRIPT = Path(__file__).with_name("lab.sh")
ADDRESS = re.compile(r"(http://\S+)/lab\S*token=(\S+)")
COMMAND = "kubectl get pods --namespace kube-system --selector tier=control-plane"


def measure(options: Namespace) -> Iterator[Row]:
    """Measure until notebook 00 can be read, and until a cell has printed the Pods of the control plane.

    README.md describes what `make lab` is compared with.
    """
    first = until_table(find(("00",))[0])
    plain = new_notebook(cells=[new_code_cell(f"!{COMMAND}")])
    env = shell_env()
    ways: dict[str, Callable[[], tuple[float, float]]] = {
        "workbook": partial(_run, (BASE, "-m", "workbook", "lab"), {}, first),
        "plain": partial(_run, ("sh", SCRIPT), env | {"SETTINGS": str(SETTINGS)}, plain),
        "shell": lambda: (
            0,
            timed("sh", "-euc", f"docker info >/dev/null; kind get clusters; {COMMAND}", env=env),
        ),
    }
    in_turn(ways, rounds=1)  # not counted: fills caches
    results = in_turn(ways)
    readable, table = ({way: [pair[i] for pair in pairs] for way, pairs in results.items()} for i in (0, 1))
    what = "`make lab` to notebook 00"
    yield Row(what, median(readable["workbook"]), 3, "s", runs=len(readable["workbook"]))
    yield versus(what, "JupyterLab", readable["workbook"], readable["plain"], goal=None)
    if options.fresh:
        yield Row(f"{what} on a fresh machine", _fresh(), 60, "s")
    what = "`make lab` to the first table of Pods"
    yield versus(what, "JupyterLab, `!kubectl`", table["workbook"], table["plain"], goal=1.2)
    yield versus(what, "a shell without JupyterLab", table["workbook"], table["shell"], goal=None)


def until_table(notebook: Path) -> nbformat.NotebookNode:
    """The notebook with its cells up to the first table of Pods."""
    book: nbformat.NotebookNode = nbformat.read(notebook, as_version=4)
    last = next(index for index, cell in enumerate(book.cells) if cell.source.startswith("pods("))
    book.cells = book.cells[: last + 1]
    return book


def _run(command: Sequence[str | Path], env: Mapping[str, str], book: nbformat.NotebookNode) -> tuple[float, float]:
    """The seconds until notebook 00 can be read, and until a kernel has executed a notebook."""
    begun = time.perf_counter()
    with _opened(command, env, ROOT):
        readable = time.perf_counter() - begun
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
    return readable, took


def _fresh() -> float:
    """The seconds until notebook 00 can be read, in a copy of the repository without packages, clusters and caches."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "workbook")
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "build", "work", "__pycache__"))
        env = {"WORKBOOK_HOME": str(Path(scratch, "home")), "WORKBOOK_PROFILE": "workbook-bench-fresh"}
        env |= {"PIP_NO_CACHE_DIR": "1", "PYTHONPATH": ""}
        begun = time.perf_counter()
        try:
            with _opened((BARE, "-m", "workbook", "lab"), env, copy):
                return time.perf_counter() - begun
        finally:  # the set-up has begun to download images
            subprocess.run([BARE, "-m", "workbook", "clean"], env={**os.environ, **env}, cwd=copy, check=True)


@contextmanager
def _opened(command: Sequence[str | Path], env: Mapping[str, str], folder: Path) -> Iterator[None]:
    """Run a command that starts JupyterLab in this folder; begin the block when its server shows notebook 00."""
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **env},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        server, token = next(found.groups() for line in process.stdout or () if (found := ADDRESS.search(line)))
        poll(partial(_shows_notebook, server, token), timeout=60, every=0.05)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=TIMEOUT)


def _shows_notebook(server: str, token: str) -> bool:
    """Whether JupyterLab's server returns notebook 00."""
    address = f"{server}/api/contents/{FIRST_NOTEBOOK}"
    request = urllib.request.Request(address, headers={"Authorization": f"token {token}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            return bool(json.load(answer)["type"] == "notebook")
    except OSError:
        return False
