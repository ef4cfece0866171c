"""Execute notebooks without a browser, each in its own kernel."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from workbook.base.errors import NotPossible
from workbook.base.notebooks import NOTEBOOKS
from workbook.publish.minutes import delays

TEST_PROFILE = "workbook-test"
QUIET = ["--log-level=ERROR"]  # for kernels, which otherwise warn about each of their ports on the loopback


@dataclass(frozen=True)
class Outcome:
    """The result of executing a notebook.

    `own` are the seconds of its `delays`. `error` is empty for a success. `not_possible` says why this machine or this cluster
    cannot run the notebook to the end; otherwise it is empty.
    """

    notebook: Path
    cells: int
    seconds: float
    own: int
    error: str
    not_possible: str = ""


def execute(paths: list[Path], keep: Callable[[Path, NotebookNode], object]) -> list[Outcome]:
    """Execute notebooks one after the other, even if one fails. Show the progress, then print a summary.

    `keep` receives each path with the executed notebook. `workbook` in its metadata has its duration in `seconds`, and
    `failed` after an error, or if the notebook could not be run to the end here.
    """
    console = Console()
    outcomes = []
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        whole = progress.add_task("the workbook", total=len(paths))
        for path in paths:
            book = nbformat.read(path, as_version=4)
            cells = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in book.cells)
            bar = progress.add_task(path.stem, total=cells)
            begun = time.monotonic()
            error, not_possible = "", ""
            try:
                error = _execute(book, partial(progress.advance, bar))
            except NotPossible as refusal:
                not_possible = str(refusal)
            outcome = Outcome(path, cells, time.monotonic() - begun, sum(delays(book)), error, not_possible)
            outcomes.append(outcome)
            broken_off = {"failed": True} if error or not_possible else {}
            book.metadata["workbook"] = {"seconds": round(outcome.seconds)} | broken_off
            keep(path, book)
            if not sys.stdout.isatty():
                console.print(f"{_mark(outcome)} {path.name} ({outcome.seconds:.1f} s)", highlight=False)
            progress.advance(whole)
    console.print(_summary(outcomes))
    for outcome in outcomes:
        if text := outcome.error or outcome.not_possible:
            console.print(f"\n{outcome.notebook.name}:\n{text}", markup=False, highlight=False)
    return outcomes


def _mark(outcome: Outcome) -> str:
    """✓, ✗, or · for a notebook that is not possible here."""
    return "✗" if outcome.error else "·" if outcome.not_possible else "✓"


def _execute(book: NotebookNode, on_cell: Callable[[], object]) -> str:
    """Execute the cells of a notebook in place; return the error that ended it, or an empty string.

    Raises:
        NotPossible: a cell has raised it.
    """
    client = NotebookClient(
        book,
        timeout=600,  # seconds for each cell
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        extra_arguments=QUIET,
        on_cell_executed=lambda **_: on_cell(),
    )
    try:
        client.execute()
    except CellExecutionError as error:
        if error.ename == NotPossible.__name__:
            raise NotPossible(error.evalue) from error
        return Text.from_ansi(str(error)).plain.strip()
    for cell in book.cells:
        if "raises-exception" in cell.metadata.get("tags", []) and not failed(cell):
            return f"This cell should fail, but did not:\n{cell.source}"
    return ""


def failed(cell: NotebookNode) -> bool:
    """Whether an error is among the outputs of a code cell."""
    return any(output.output_type == "error" for output in cell.outputs)


def _summary(outcomes: list[Outcome]) -> Table:
    table = Table("notebook", "cells", "seconds", "own delays", "result")
    for name, group in [*((outcome.notebook.stem, [outcome]) for outcome in outcomes), ("all", outcomes)]:
        cells, own = sum(outcome.cells for outcome in group), sum(outcome.own for outcome in group)
        seconds, failures = sum(outcome.seconds for outcome in group), sum(bool(outcome.error) for outcome in group)
        missing = sum(bool(outcome.not_possible) for outcome in group)
        counts = [f"{count} {word}" for count, word in ((failures, "failed"), (missing, "not possible here")) if count]
        table.add_row(name, str(cells), f"{seconds:.1f}", str(own or ""), ", ".join(counts) or "✓")
    return table
