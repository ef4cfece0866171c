"""The time that a notebook takes: to read, to run, and to do its exercises."""

import re
from math import ceil

from nbformat import NotebookNode

WORDS_A_MINUTE = 150  # for prose with code
TIME = re.compile(r"^(\| \*\*Time\*\* \| )(.*?)((?:, (\d+) min exercises)?)(?= \|$)", re.MULTILINE)
"""The row of the opening table with the time. The minutes for exercises are the author's estimate; the rest is measured."""


def time(book: NotebookNode) -> str:
    """Describe how long a notebook takes, as in `10 min reading, 1 min running, 10 min exercises`."""
    words = f"{_reading(book)} min reading, {_running(book)} min running"
    if own := sum(delays(book)):
        words += f" ({own / 60:.1f} min of that can't be shortened)"
    minutes = _exercises(book)
    return f"{words}, {minutes} min exercises" if minutes else words


def write_time(book: NotebookNode) -> None:
    """Write the time into the opening table of a notebook."""
    book.cells[0].source = TIME.sub(lambda row: f"{row[1]}{time(book)}", book.cells[0].source)


def length(book: NotebookNode) -> int:
    """Return the minutes that a notebook takes in all."""
    return _reading(book) + _running(book) + _exercises(book)


def delays(book: NotebookNode) -> list[int]:
    """Return the unavoidable seconds that the notebook names: `**Unavoidable:** 60 s to start, …`."""
    lines = re.findall(r"^\*\*Unavoidable:\*\* (.+)$", "\n".join(cell.source for cell in book.cells), re.MULTILINE)
    return [int(number) for line in lines for number in re.findall(r"\b(\d+) s\b", line)]


def seconds(book: NotebookNode) -> int:
    """Return how long a notebook took when it was recorded; 0 if it was not."""
    return int(book.metadata.get("workbook", {}).get("seconds", 0))


def _reading(book: NotebookNode) -> int:
    read = (cell for cell in book.cells if "solution" not in cell.metadata.get("tags", []))
    return max(1, round(sum(len(cell.source.split()) for cell in read) / WORDS_A_MINUTE))


def _running(book: NotebookNode) -> int:
    return max(1, ceil(seconds(book) / 60))


def _exercises(book: NotebookNode) -> int:
    row = TIME.search(book.cells[0].source)
    return int(row[4]) if row and row[4] else 0
