"""Execute notebooks without a browser: `make run` and `make record`."""

import os
import platform
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from workbook.base.notebooks import NOTEBOOKS, delays, failed, find, tidy, write_table
from workbook.base.paths import ROOT, home

COPIES = ROOT / "build" / "run"
TEST_PROFILE = "workbook-test"
QUIET = ["--log-level=ERROR"]
"""For kernels, which otherwise warn about each of their ports on the loopback."""
PATIENCE = 600
"""Seconds that one cell may take."""


@dataclass
class Outcome:
    """How the execution of one notebook went; `seconds` it took, `own` of them by its programs' nature (see `delays`).

    `error` is empty when it ended well.
    """

    notebook: Path
    cells: int
    seconds: float
    own: int
    error: str = ""


def run(*chosen: str) -> int:
    """Executes the workbook (or just the `chosen` notebooks) on the reader's cluster and keeps executed copies.

    Goes on with the next notebook when one fails. Prints a summary; returns 1 when one failed.
    """
    from workbook.machine.set_up import up

    hermetic()
    up()
    COPIES.mkdir(parents=True, exist_ok=True)
    outcomes = _execute(find(chosen), keep=lambda path, book: nbformat.write(book, COPIES / path.name))
    print(f"Executed copies: {COPIES}")
    return 1 if any(outcome.error for outcome in outcomes) else 0


def record(*chosen: str) -> int:
    """Executes the notebooks (or just the `chosen` ones) on the tests' cluster and writes the outputs into them.

    A notebook in which a cell fails is left as it was. Also renews the minutes, in the notebook and in the README,
    the index in notebooks/README.md, the errata beside it, and the agenda in classroom/README.md.
    """
    os.environ.setdefault("WORKBOOK_PROFILE", TEST_PROFILE)
    from workbook.machine.set_up import up
    from workbook.publish import agenda, errata
    from workbook.publish import index as contents

    hermetic()
    up()
    facts = _facts()

    def keep(path: Path, book: nbformat.NotebookNode) -> None:
        if not book.metadata.workbook.get("failed"):
            book.metadata["workbook"] |= facts
            nbformat.write(tidy(book), path)

    if any(outcome.error for outcome in _execute(find(chosen), keep)):
        return 1
    write_table(ROOT / "README.md")
    contents.write_index()
    errata.write_page()
    agenda.write_agenda()
    return 0


def _facts() -> dict[str, str]:
    """What a notebook was recorded with, for the handout's first page. Asked before one of them deletes the cluster."""
    from workbook.cluster.current import api, current

    return {
        "date": datetime.now(UTC).date().isoformat(),
        "kubernetes": api().version(),
        "provider": current().provider.value,
        "python": platform.python_version(),
    }


def hermetic() -> None:
    """Keeps this user's settings of IPython and matplotlib out of the kernels of this process, and their files together.

    Documentation: https://ipython.readthedocs.io/en/stable/config/intro.html
    """
    for variable, folder in (
        ("IPYTHONDIR", "ipython"),
        ("JUPYTER_RUNTIME_DIR", "runtime"),
        ("MPLCONFIGDIR", "matplotlib"),
    ):
        place = os.environ.setdefault(variable, str(home() / "jupyter" / folder))
        Path(place).mkdir(parents=True, exist_ok=True)  # else IPython takes a folder in /tmp, and leaves it there


def _execute(paths: list[Path], keep: Callable[[Path, nbformat.NotebookNode], None]) -> list[Outcome]:
    """Executes each notebook in a kernel of its own, with a bar for it and its cells; prints a summary."""
    console = Console()
    outcomes = []
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        whole = bars.add_task("the workbook", total=len(paths))
        for path in paths:
            book = nbformat.read(path, as_version=4)
            code = [cell for cell in book.cells if cell.cell_type == "code" and cell.source.strip()]
            bar = bars.add_task(path.stem, total=len(code))
            begun = time.monotonic()
            error = _run(book, on_cell=lambda bar=bar: bars.advance(bar))
            outcome = Outcome(path, len(code), time.monotonic() - begun, sum(delays(book)), error)
            outcomes.append(outcome)
            book.metadata["workbook"] = {"seconds": round(outcome.seconds)} | ({"failed": True} if error else {})
            keep(path, book)
            if not sys.stdout.isatty():
                console.print(f"{'✗' if error else '✓'} {path.name} ({outcome.seconds:.1f} s)", highlight=False)
            bars.advance(whole)
    console.print(summary(outcomes))
    for outcome in outcomes:
        if outcome.error:
            console.print(f"\n{outcome.notebook.name}:\n{outcome.error}", markup=False, highlight=False)
    return outcomes


def _run(book: nbformat.NotebookNode, on_cell: Callable[[], None]) -> str:
    """Executes the cells of `book` in place; returns the text of the error that stopped it, or nothing."""
    client = NotebookClient(
        book,
        timeout=PATIENCE,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        record_timing=False,
        extra_arguments=QUIET,
        on_cell_executed=lambda **_: on_cell(),
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    for cell in book.cells:
        if "raises-exception" in cell.metadata.get("tags", []) and not failed(cell):
            return f"This cell is meant to fail, and did not:\n{cell.source}"
    return ""


def summary(outcomes: list[Outcome]) -> Table:
    """The table at the end: a line per notebook, and their sum."""
    table = Table("notebook", "cells", "seconds", "own delays", "result")
    for outcome in outcomes:
        table.add_row(
            outcome.notebook.stem,
            str(outcome.cells),
            f"{outcome.seconds:.1f}",
            str(outcome.own or ""),
            "✗" if outcome.error else "✓",
        )
    table.add_section()
    failed = sum(bool(outcome.error) for outcome in outcomes)
    table.add_row(
        "all",
        str(sum(outcome.cells for outcome in outcomes)),
        f"{sum(outcome.seconds for outcome in outcomes):.1f}",
        str(sum(outcome.own for outcome in outcomes)),
        f"{failed} failed" if failed else "✓",
    )
    return table
