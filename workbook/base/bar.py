"""How far a wait is: a bar below the cell while a reader watches, and it takes longer than a moment; nothing elsewhere.

It is gone when the wait is over, so that nothing of it is saved with the notebook. In a terminal `steps` says what is
going on.
"""

import html
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOMENT = 2
"""Seconds after which a bar appears."""
PERIOD = 0.5
"""Seconds between two pictures of it."""


def watched() -> bool:
    """Whether a reader runs this in a notebook: only then can the kernel be answered, and tests and `make run` say so.

    Documentation: https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute
    """
    try:
        from IPython import get_ipython
    except ModuleNotFoundError:  # set-up runs before any package is installed
        return False
    return bool(getattr(getattr(get_ipython(), "kernel", None), "_allow_stdin", False))


@contextmanager
def bar(title: str, seconds: float | None = None) -> Iterator[Callable[[str], None]]:
    """Shows a bar for the length of the block.

    Args:
        title: what is being done or waited for.
        seconds: how long it may take at most; the bar only moves to and fro when not given.

    Yields:
        A function that takes a short text, such as what is still missing, to be shown behind the title.
    """
    if not watched():
        yield lambda text: None
        return
    from IPython.display import display

    ended, said, begun = threading.Event(), [""], time.monotonic()

    def picture() -> dict[str, str]:
        passed = time.monotonic() - begun
        words = f"{title}{': ' if said[0] else ''}{said[0]} ({passed:.0f} s)"
        limits = f' max="{seconds:.0f}" value="{passed:.1f}"' if seconds else ""
        return {
            "text/plain": words,
            "text/html": f"<label><progress{limits}></progress> {html.escape(words)}</label>",
        }

    def paint() -> None:
        if ended.wait(MOMENT):
            return
        shown = display(picture(), raw=True, display_id=True)
        while not ended.wait(PERIOD):
            shown.update(picture(), raw=True)
        shown.update({"text/plain": "", "text/html": ""}, raw=True)

    painter = threading.Thread(target=paint, daemon=True)
    painter.start()

    def say(text: str) -> None:
        said[0] = text

    try:
        yield say
    finally:
        ended.set()
        painter.join()
