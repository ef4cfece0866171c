"""The handout's content: the recorded notebooks, with the solutions moved to the end."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from workbook.base.errors import WorkbookError
from workbook.publish import prose

FACTS = {"kubernetes": "Kubernetes", "provider": "Cluster", "python": "Python", "date": "Recorded on"}
"""Keys that `record` writes into a notebook's metadata → their names in the handout."""
IN_JUPYTERLAB = re.compile(r"^A solution is in the collapsed cell below.*$", re.MULTILINE)
"""The line about solutions in JupyterLab, which the handout and the site omit, because they show solutions in other ways."""


@dataclass
class Solution:
    """The solution of an exercise: cells with their outputs; `heading` is the last heading above the exercise."""

    anchor: str
    heading: str
    cells: list[NotebookNode] = field(default_factory=list)


@dataclass
class Chapter:
    """A notebook: its file name, its two-digit number, its title with the number, its cells without solutions, its solutions."""

    name: str
    number: str
    title: str
    flow: list[NotebookNode] = field(default_factory=list)
    solutions: list[Solution] = field(default_factory=list)


def collect() -> tuple[list[Chapter], dict[str, list[str]]]:
    """Return the chapters in order, and the recorded values of each of `FACTS`.

    Raises:
        WorkbookError: a notebook was not recorded.
    """
    books = list(prose.books())
    for path, book in books:
        if missing := [fact for fact in FACTS if fact not in book.metadata.get("workbook", {})]:
            raise WorkbookError(
                f"The notebook {path.name} has no outputs to print.",
                f"Its metadata lacks what `make record` writes: {', '.join(missing)}.",
                "Record the notebooks first: `make record`.",
            )
    facts = {fact: sorted({book.metadata["workbook"][fact] for _, book in books}) for fact in FACTS}
    return [_chapter(path, book) for path, book in books], facts


def _chapter(path: Path, book: NotebookNode) -> Chapter:
    number = path.name[:2]
    chapter = Chapter(path.name, number, f"{number} {prose.title(book)}")
    heading, in_solution = "", False
    for cell in book.cells:
        if not _solves(cell):
            if cell.cell_type == "markdown":
                cell.source = IN_JUPYTERLAB.sub("", cell.source)
                for block in prose.tree(cell.source).children:
                    if block.type == "heading" and block.tag != "h1":
                        heading = prose.text(block)
            chapter.flow.append(cell)
        elif in_solution:
            chapter.solutions[-1].cells.append(cell)
        else:
            anchor = f"solution-{number}-{len(chapter.solutions) + 1}"
            chapter.solutions.append(Solution(anchor, heading, [cell]))
            chapter.flow.append(new_markdown_cell(f"*A solution is [in the appendix](#{anchor}).*"))
        in_solution = _solves(cell)
    return chapter


def _solves(cell: NotebookNode) -> bool:
    """Whether a cell belongs to a solution, or checks the exercise after it."""
    return "solution" in cell.metadata.get("tags", []) or "solution=True" in cell.source
