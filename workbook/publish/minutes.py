"""How long a notebook takes: its words to read, the measured run of its cells, and the delays of the programs in it."""

import re

from nbformat import NotebookNode

WORDS_A_MINUTE = 150  # of prose with code in it


def minutes(book: NotebookNode) -> str:
    """Describe how long a notebook takes."""
    words = f"{length(book)}, of which the cells run {_seconds(book) / 60:.1f}"
    own = sum(delays(book))
    return f"{words}, and {own / 60:.1f} of that are the programs' own delays" if own else words


def length(book: NotebookNode) -> int:
    """Return the minutes that a notebook takes to read and to run."""
    words = sum(len(cell.source.split()) for cell in book.cells)
    return round(words / WORDS_A_MINUTE + _seconds(book) / 60)


def delays(book: NotebookNode) -> list[int]:
    """Return the seconds that no tool can shorten, which the notebook names: `**Unavoidable:** 60 s to start, …`."""
    lines = re.findall(r"^\*\*Unavoidable:\*\* (.+)$", "\n".join(cell.source for cell in book.cells), re.MULTILINE)
    return [int(seconds) for line in lines for seconds in re.findall(r"\b(\d+) s\b", line)]


def _seconds(book: NotebookNode) -> int:
    return int(book.metadata.get("workbook", {}).get("seconds", 0))
