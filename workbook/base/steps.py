"""Say what is being done and how long it took: `step` for every action longer than a moment.

In a terminal each running step is a line with a spinner, a detail and the seconds so far (several at once when
steps run in parallel threads), in a notebook that a reader runs it has a bar; elsewhere (a log, CI, a test) only whole
lines are printed, so that nothing has to be updated in place.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from workbook.base.bar import bar, watched


class Step:
    """A running step; `update` shows what it is busy with, `result` is put behind its title when it ends."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self.result = ""

    def update(self, detail: str) -> None:
        """Shows `detail` (one short line) beside the title, in a terminal only."""
        self._show(detail)


HEARTBEAT = 60
_lock = threading.Lock()
_live: Progress | None = None
_running = 0


def _start(title: str) -> tuple[Progress, int]:
    """Joins the one live display of the process, or opens it: rich allows no second one."""
    global _live, _running
    with _lock:
        if _live is None:
            _live = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                TimeElapsedColumn(),
                TextColumn("{task.fields[detail]}", style="dim", markup=False),
                transient=True,
                console=Console(file=sys.stdout),
            )
            _live.start()
        _running += 1
        return _live, _live.add_task(title, total=None, detail="")


def _stop(live: Progress, task: int, line: str) -> None:
    global _live, _running
    with _lock:
        live.remove_task(task)
        live.console.print(line, markup=False, highlight=False)
        _running -= 1
        if _running == 0:
            live.stop()
            _live = None


def _seldom(title: str, begun: float) -> Callable[[str], None]:
    """Prints a detail at most every `HEARTBEAT` seconds: a log should show that a long step is alive, and no more."""
    said = begun

    def show(detail: str) -> None:
        nonlocal said
        if (now := time.monotonic()) - said >= HEARTBEAT:
            said = now
            print(f"  … {title}: {detail[-80:]} ({now - begun:.0f} s)", flush=True)

    return show


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Announces `title`, and ends with ✓ and its duration in seconds, or ✗ when the block raises.

    Safe in parallel threads. Yields a `Step`.
    """
    begun = time.monotonic()
    terminal = sys.stdout.isatty()
    if terminal:
        live, task = _start(title)
        running = Step(lambda detail: live.update(task, detail=detail[-80:]))
    else:
        print(f"· {title} …", flush=True)
        running = Step(_seldom(title, begun))
    mark = "✗"
    try:
        with bar(title) if watched() else nullcontext(running._show) as running._show:
            yield running
        mark = "✓"
    finally:
        result = f": {running.result}" if running.result else ""
        line = f"{mark} {title}{result} ({time.monotonic() - begun:.1f} s)"
        if terminal:
            _stop(live, task, line)
        else:
            print(line, flush=True)
