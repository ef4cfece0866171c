"""Execute notebooks without a browser, each in its own kernel."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from workbook.base.errors import NotPossible
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.machine.lanes import environment, start
from workbook.publish.minutes import delays, seconds

TEST_PROFILE = "workbook-test"
QUIET = ["--log-level=CRITICAL"]
"""For kernels, which otherwise warn about each of their ports on the loopback, and show a traceback when Ctrl-C ends them."""


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


def execute(paths: list[Path], keep: Callable[[Path, NotebookNode], object], lanes: int = 1) -> list[Outcome]:
    """Execute notebooks, even if one fails. Show the progress, then print a summary.

    Args:
        paths: the notebooks. A single lane executes them in this order.
        keep: receives each path with the executed notebook. `workbook` in its metadata has its duration in `seconds`, and
            `failed` after an error, or if the notebook could not be run to the end here.
        lanes: how many to execute at once. The cluster of the first lane runs; the others are started here, and stay.

    Returns:
        The results, in the order of `paths`.
    """
    console, outcomes, begun = Console(), list[Outcome](), time.monotonic()
    waiting = list(paths) if lanes == 1 else longest_first(paths)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        whole = progress.add_task("the workbook", total=len(paths))

        async def work(lane: int) -> None:
            title = f"lane {lane + 1}: " if lanes > 1 else ""
            if lane:
                bar = progress.add_task(f"{title}its cluster", total=1)
                if problem := await asyncio.to_thread(start, lane):
                    text = f"{problem}\nThe cluster of lane {lane + 1} does not start, so the other lanes do its work."
                    console.print(text, markup=False, highlight=False)
                    return
                progress.advance(bar)
            while path := _take(waiting, lane):
                book = nbformat.read(path, as_version=4)
                cells = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in book.cells)
                bar = progress.add_task(f"{title}{path.stem}", total=cells)
                started = time.monotonic()
                error, not_possible = await _execute(book, environment(lane), partial(progress.advance, bar))
                outcome = Outcome(path, cells, time.monotonic() - started, sum(delays(book)), error, not_possible)
                outcomes.append(outcome)
                broken_off = {"failed": True} if error or not_possible else {}
                book.metadata["workbook"] = {"seconds": round(outcome.seconds)} | broken_off
                keep(path, book)
                if not sys.stdout.isatty():
                    console.print(f"{_mark(outcome)} {path.name} ({outcome.seconds:.1f} s)", highlight=False)
                progress.advance(whole)

        async def work_in_all_lanes() -> None:
            async with asyncio.TaskGroup() as group:
                for lane in range(lanes):
                    group.create_task(work(lane))

        try:
            asyncio.run(work_in_all_lanes())
        except ExceptionGroup as failures:  # of one lane, after which the others were cancelled
            raise failures.exceptions[0] from None
    outcomes.sort(key=lambda outcome: paths.index(outcome.notebook))
    console.print(_summary(outcomes))
    if lanes > 1:
        console.print(f"All together took {time.monotonic() - begun:.0f} s.", highlight=False)
    for outcome in outcomes:
        if text := outcome.error or outcome.not_possible:
            console.print(f"\n{outcome.notebook.name}:\n{text}", markup=False, highlight=False)
    return outcomes


def longest_first(paths: list[Path]) -> list[Path]:
    """Return notebooks in the order for lanes: the first one, which checks the machine; then the longest ones; and then the last one."""
    every = find()
    lengths = {path: seconds(nbformat.read(path, as_version=4)) for path in paths}
    return sorted(paths, key=lambda path: (path == every[-1], path != every[0], -lengths[path]))


def _take(waiting: list[Path], lane: int) -> Path | None:
    """Take the next notebook for a lane; None if there is none. The last of all deletes its cluster: it is for the first lane."""
    path = next((path for path in waiting if lane == 0 or path != find()[-1]), None)
    if path:
        waiting.remove(path)
    return path


def _mark(outcome: Outcome) -> str:
    """✓, ✗, or · for a notebook that is not possible here."""
    return "✗" if outcome.error else "·" if outcome.not_possible else "✓"


async def _execute(book: NotebookNode, variables: Mapping[str, str], on_cell: Callable[[], object]) -> tuple[str, str]:
    """Execute the cells of a notebook in place; return the error that ended it, and why it is not possible here: see `Outcome`.

    Args:
        book: the notebook.
        variables: what its kernel's environment has in addition to that of this process.
        on_cell: called after each cell.
    """
    client = _Client(
        book,
        timeout=600,  # seconds for each cell
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        extra_arguments=QUIET,
        on_cell_executed=lambda **_: on_cell(),
    )
    try:
        await client.async_execute(env={**os.environ, **variables})
    except CellExecutionError as error:
        if error.ename == NotPossible.__name__:
            return "", error.evalue
        return Text.from_ansi(str(error)).plain.strip(), ""
    except DeadKernelError:
        if (task := asyncio.current_task()) and task.cancelling():
            raise asyncio.CancelledError from None  # by Ctrl-C, which the client takes for the kernel's end
        raise
    for cell in book.cells:
        if "raises-exception" in cell.metadata.get("tags", []) and not failed(cell):
            return f"This cell should fail, but did not:\n{cell.source}", ""
    return "", ""


class _Client(NotebookClient):
    """A client that leaves Ctrl-C to `asyncio.run`: the original one replaces its handler, and then fails an assertion."""

    @asynccontextmanager
    async def async_setup_kernel(self, **kwargs: Any) -> AsyncGenerator[None]:
        """Provide a kernel during the block. `kwargs` are those of the original method."""
        self.km = self.create_kernel_manager()
        try:
            await self.async_start_new_kernel(**kwargs)
            await self.async_start_new_kernel_client()
            yield
        finally:
            if self.km:  # a kernel that does not get ready has been ended already
                await self._async_cleanup_kernel()


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
