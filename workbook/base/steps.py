"""Report actions and their durations: `step` is for every action that takes longer than a moment.

In a terminal, each running step is a line with a spinner, a detail and the elapsed seconds (several lines if steps are
nested or run in parallel threads). In a notebook that a reader runs, a step has a progress bar. Elsewhere (a log, CI, a
test), only whole lines are printed, and nothing is updated in place. The logger gets the same as records with an
attribute `entry`, which `machine.journal` writes to a file.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from workbook.base import durations
from workbook.base.bar import bar
from workbook.base.log import LOG

HEARTBEAT = 30  # seconds between two details of a long step in a log


@dataclass
class Step:
    """A running step."""

    update: Callable[[str], None] = lambda detail: None
    """Shows a detail, a short line, after the title while the step runs."""
    result: str = ""
    """Printed after the title when the step ends."""


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Print `title` with the expected duration, and at the end of the block ✓ (✗ for an error) with the actual duration.

    Safe in parallel threads.
    """
    begun, running, mark = time.monotonic(), Step(), "✗"
    expected = durations.expected(title)
    LOG.debug("begin: %s", title, extra={"entry": {"begun": title, "expected": expected}})
    shown = title + (f" (about {expected:.0f} s)" if expected else "")
    # While an outer step is shown, rich replaces the stream; before version 15, without `isatty`.
    if not (terminal := getattr(sys.stdout, "rich_proxied_file", sys.stdout).isatty()):
        print(f"· {shown} …", flush=True)
    heartbeat = _heartbeat(title, begun, expected)
    try:
        with _spinner(shown) if terminal else bar(shown, expected, otherwise=heartbeat) as running.update:
            yield running
        mark = "✓"
    finally:
        result, seconds = f": {running.result}" if running.result else "", time.monotonic() - begun
        LOG.debug("%s %s", mark, title, extra={"entry": {"ended": title, "seconds": seconds, "ok": mark == "✓"}})
        print(f"{mark} {title}{result} ({seconds:.1f} s)", flush=True)


@cache
def _display() -> Progress:
    """The live display of this process. rich can nest displays, but must end them in the reverse order of their start."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}", style="dim", markup=False),
        transient=True,
    )


_lock = threading.Lock()


@contextmanager
def _spinner(title: str) -> Iterator[Callable[[str], None]]:
    display = _display()
    with _lock:
        task = display.add_task(title, total=None, detail="")
        display.start()
    try:
        yield lambda detail: display.update(task, detail=detail[-80:])
    finally:
        with _lock:
            display.remove_task(task)
            if not display.tasks:
                display.stop()


def _heartbeat(title: str, begun: float, expected: float | None) -> Callable[[str], None]:
    """Return a function that prints a detail at most every `HEARTBEAT` seconds, to show that a long step still runs."""
    printed = begun

    def show(detail: str) -> None:
        nonlocal printed
        if (now := time.monotonic()) - printed >= HEARTBEAT:
            printed = now
            print(f"  … {title}: {detail[-80:]} ({durations.shown(now - begun, expected)})", flush=True)

    return show
