"""Execute notebooks without a browser: `make run`, `make record`, and `make test` for all of it."""

import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from workbook.commands import attend
from workbook.errors import WorkbookError
from workbook.paths import HOME, ROOT

NOTEBOOKS = ROOT / "notebooks"
COPIES = ROOT / "build" / "run"
TEST_PROFILE = "workbook-test"
QUIET = ["--log-level=ERROR"]
"""For kernels, which otherwise warn about each of their ports on the loopback."""
PATIENCE = 600
"""Seconds that one cell may take."""
ALL = ("-m", "")
"""Tells pytest to leave out none of the tests, such as the slow ones."""
WORDS_A_MINUTE = 150
"""How fast prose with code in it is read."""


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


def test(*args: str) -> int:
    """Runs pytest with the notebooks; the set-up is done by conftest.py. Returns pytest's exit status."""
    os.chdir(ROOT)
    return attend([sys.executable, "-m", "pytest", "--nbval", *args])


def mutants(*args: str) -> int:
    """Runs the mutants, the slow ones too. Returns pytest's exit status."""
    return test("tests/mutants", *ALL, *args)


def test_order(*args: str) -> int:
    """Runs the notebooks alone, twice, in random orders, and after a killed kernel. Returns pytest's exit status."""
    return test("tests/order", *ALL, *args)


def faults(*args: str) -> int:
    """Breaks things on purpose. Returns pytest's exit status."""
    return test("tests/faults", *ALL, *args)


def run(*chosen: str) -> int:
    """Executes the workbook (or just the `chosen` notebooks) on the reader's cluster and keeps executed copies.

    Goes on with the next notebook when one fails. Prints a summary; returns 1 when one failed.
    """
    from workbook.lifecycle import up

    hermetic()
    up()
    COPIES.mkdir(parents=True, exist_ok=True)
    outcomes = _execute(find(chosen), keep=lambda path, book: nbformat.write(book, COPIES / path.name))
    print(f"Executed copies: {COPIES}")
    return 1 if any(outcome.error for outcome in outcomes) else 0


def record(*chosen: str) -> int:
    """Executes the notebooks (or just the `chosen` ones) on the tests' cluster and writes the outputs into them.

    A notebook in which a cell fails is left as it was. Also renews the minutes, in the notebook and in the README, and
    the index in notebooks/README.md.
    """
    os.environ.setdefault("WORKBOOK_PROFILE", TEST_PROFILE)
    from workbook.contents import write_index
    from workbook.lifecycle import up

    hermetic()
    up()

    def keep(path: Path, book: nbformat.NotebookNode) -> None:
        if not book.metadata.workbook.get("failed"):
            nbformat.write(tidy(book), path)

    if any(outcome.error for outcome in _execute(find(chosen), keep)):
        return 1
    write_table(ROOT / "README.md")
    write_index()
    return 0


def hermetic() -> None:
    """Keeps this user's settings of IPython and matplotlib out of the kernels of this process, and their files together.

    Documentation: https://ipython.readthedocs.io/en/stable/config/intro.html
    """
    for variable, folder in (
        ("IPYTHONDIR", "ipython"),
        ("JUPYTER_RUNTIME_DIR", "runtime"),
        ("MPLCONFIGDIR", "matplotlib"),
    ):
        place = os.environ.setdefault(variable, str(HOME / "jupyter" / folder))
        Path(place).mkdir(parents=True, exist_ok=True)  # else IPython takes a folder in /tmp, and leaves it there


def find(chosen: tuple[str, ...] = ()) -> list[Path]:
    """The notebooks in their order; only those whose path or number is in `chosen`, when something is.

    Raises:
        WorkbookError: one of `chosen` is no notebook.
    """
    everything = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    if not chosen:
        return everything
    found = []
    for word in chosen:
        match = [path for path in everything if path.name == Path(word).name or path.name[:2] == word.zfill(2)]
        if not match:
            raise WorkbookError(
                f"There is no notebook {word!r}.",
                f"There are {', '.join(path.name for path in everything)}.",
                "Correct its name or number.",
            )
        found += match
    return found


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


def failed(cell: nbformat.NotebookNode) -> bool:
    """Whether an error is among the outputs of a code cell."""
    return any(output.output_type == "error" for output in cell.outputs)


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


def tidy(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Takes out what differs between machines and says nothing, and puts in the measured minutes."""
    book.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book.metadata["language_info"] = {"name": "python"}
    book.metadata.pop("widgets", None)
    for cell in book.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "markdown":
            cell.source = MINUTES.sub(lambda found: f"{found.group(1)}{minutes(book)}", cell.source)
    return book


MINUTES = re.compile(r"(\| \*\*minutes\*\* \| )[^|]*(?= \|)")
"""The line of a notebook's opening table that `record` writes."""


def minutes(book: nbformat.NotebookNode) -> str:
    """How long a notebook takes: its words, read at `WORDS_A_MINUTE`, and the measured run of its cells."""
    words = sum(len(cell.source.split()) for cell in book.cells)
    seconds = book.metadata.get("workbook", {}).get("seconds", 0)
    told = f"{round(words / WORDS_A_MINUTE + seconds / 60)}, of which the cells run {seconds / 60:.1f}"
    own = sum(delays(book))
    return f"{told}, and {own / 60:.1f} of that are the programs' own delays" if own else told


def delays(book: nbformat.NotebookNode) -> list[int]:
    """The seconds that the programs of a notebook take by their own nature, which no tool can shorten.

    They are written down where they are waited for: `**Unavoidable:** 60 s to start, 10 s …`.
    """
    told = re.findall(r"^\*\*Unavoidable:\*\* (.+)$", "\n".join(cell.source for cell in book.cells), re.MULTILINE)
    return [int(seconds) for line in told for seconds in re.findall(r"\b(\d+) s\b", line)]


def table() -> str:
    """The chapter table of the README: a row per notebook, with its minutes as they were last recorded."""
    rows = ["| notebook | you will | minutes |", "|---|---|---|"]
    for path in find():
        book = nbformat.read(path, as_version=4)
        opening = book.cells[0].source
        title = re.match(r"# (.+)", opening).group(1)
        does = re.search(r"\| \*\*you will\*\* \| (.+) \|", opening).group(1)
        rows.append(f"| [{title}](notebooks/{path.name}) | {does} | {minutes(book)} |")
    return "\n".join(rows)


def write_table(readme: Path) -> None:
    """Renews the chapter table in `readme`, between its two marks."""
    begin, end = "<!-- chapter table: written by `make record` -->\n", "\n<!-- end of the chapter table -->"
    before, _, rest = readme.read_text().partition(begin)
    _, _, after = rest.partition(end)
    readme.write_text(f"{before}{begin}{table()}{end}{after}")
