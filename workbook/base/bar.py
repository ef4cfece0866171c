"""Progress bar under a cell, for waits longer than two seconds, when a reader runs the notebook.

It disappears when the wait ends, so it is not saved with the notebook. In a terminal, `steps` shows the progress.
"""

import html
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

DELAY = 2  # seconds after which a bar appears
PERIOD = 0.5  # seconds between two updates of a bar


def watched() -> bool:
    """Whether a reader runs this in a notebook: only then can a kernel ask for input, which tests and `make run` disable.

    Documentation: https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute
    """
    from IPython import get_ipython  # imported here, because it loads slowly

    return bool(getattr(getattr(get_ipython(), "kernel", None), "_allow_stdin", False))


@contextmanager
def bar(
    title: str, seconds: float | None = None, otherwise: Callable[[str], None] = lambda text: None
) -> Iterator[Callable[[str], None]]:
    """Show a bar during the block.

    Args:
        title: the current action or wait.
        seconds: its longest duration; without it, the bar only moves back and forth.
        otherwise: receives the texts when no reader watches.

    Yields:
        A function that shows a short text after the title, such as what is still missing.
    """
    if not watched():
        yield otherwise
        return
    from IPython.display import DisplayHandle  # imported here: see `watched`

    ended, detail, begun = threading.Event(), "", time.monotonic()

    def rendered() -> dict[str, str]:
        passed = time.monotonic() - begun
        text = f"{title}{': ' if detail else ''}{detail} ({passed:.0f} s)"
        limits = f' max="{seconds:.0f}" value="{passed:.1f}"' if seconds else ""
        picture = f"<label><progress{limits}></progress> {html.escape(text)}</label>"
        return {"text/plain": text, "text/html": picture}

    def paint() -> None:
        if ended.wait(DELAY):
            return
        shown = DisplayHandle()
        shown.display(rendered(), raw=True)
        while not ended.wait(PERIOD):
            shown.update(rendered(), raw=True)
        shown.update({"text/plain": "", "text/html": ""}, raw=True)

    def show(text: str) -> None:
        nonlocal detail
        detail = text

    painter = threading.Thread(target=paint, daemon=True)
    painter.start()
    try:
        yield show
    finally:
        ended.set()
        painter.join()
