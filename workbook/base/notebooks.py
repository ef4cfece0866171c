"""The notebooks: which there are, how long they take, and what the README says of them."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT

if TYPE_CHECKING:
    import nbformat  # which takes longer to load than all else that a kernel needs

NOTEBOOKS = ROOT / "notebooks"
WORDS_A_MINUTE = 150
"""How fast prose with code in it is read."""


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


def failed(cell: "nbformat.NotebookNode") -> bool:
    """Whether an error is among the outputs of a code cell."""
    return any(output.output_type == "error" for output in cell.outputs)


def tidy(book: "nbformat.NotebookNode") -> "nbformat.NotebookNode":
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


def minutes(book: "nbformat.NotebookNode") -> str:
    """How long a notebook takes, in words: see `length`."""
    told = f"{length(book)}, of which the cells run {_seconds(book) / 60:.1f}"
    own = sum(delays(book))
    return f"{told}, and {own / 60:.1f} of that are the programs' own delays" if own else told


def length(book: "nbformat.NotebookNode") -> int:
    """The minutes a notebook takes: its words, read at `WORDS_A_MINUTE`, and the measured run of its cells."""
    words = sum(len(cell.source.split()) for cell in book.cells)
    return round(words / WORDS_A_MINUTE + _seconds(book) / 60)


def _seconds(book: "nbformat.NotebookNode") -> float:
    """How long the cells ran when they were recorded last."""
    return book.metadata.get("workbook", {}).get("seconds", 0)


def delays(book: "nbformat.NotebookNode") -> list[int]:
    """The seconds that the programs of a notebook take by their own nature, which no tool can shorten.

    They are written down where they are waited for: `**Unavoidable:** 60 s to start, 10 s …`.
    """
    told = re.findall(r"^\*\*Unavoidable:\*\* (.+)$", "\n".join(cell.source for cell in book.cells), re.MULTILINE)
    return [int(seconds) for line in told for seconds in re.findall(r"\b(\d+) s\b", line)]


def table() -> str:
    """The chapter table of the README: a row per notebook, with its minutes as they were last recorded."""
    import nbformat

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
    write_between(readme, "chapter table", table())


def write_between(document: Path, name: str, text: str) -> None:
    """Puts `text` into a document, between the two marks that have this name.

    Raises:
        WorkbookError: the document has not both marks; nothing is written.
    """
    begin, end = f"<!-- {name}: written by `make record` -->\n", f"<!-- end of the {name} -->"
    before, found, rest = document.read_text().partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise WorkbookError(f"{document.name} has no place for the {name}.", fix=f"Put in these lines: {begin}{end}")
    document.write_text(f"{before}{begin}{text}\n{end}{after}")
