"""The handout's content: the recorded notebooks, with the solutions taken out of their flow."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from workbook.base.errors import WorkbookError
from workbook.publish import prose

FACTS = {"kubernetes": "Kubernetes", "provider": "Cluster", "python": "Python", "date": "Recorded on"}
"""What `record` writes into the metadata of a notebook, and how the handout calls it."""
IN_JUPYTERLAB = re.compile(r"^A solution is in the collapsed cell below.*$", re.MULTILINE)
"""The line that says how to find a solution in JupyterLab; the handout has it elsewhere."""


@dataclass
class Solution:
    """The solution of an exercise: cells with their outputs; `heading` is the last one above the exercise."""

    anchor: str
    heading: str
    cells: list[NotebookNode] = field(default_factory=list)


@dataclass
class Chapter:
    """A notebook: the name of its file, its title, the cells to read, and its solutions."""

    name: str
    title: str
    flow: list[NotebookNode] = field(default_factory=list)
    solutions: list[Solution] = field(default_factory=list)

    @property
    def number(self) -> str:
        """Two digits."""
        return self.name[:2]


def collect() -> tuple[list[Chapter], dict[str, list[str]]]:
    """Return the chapters in their order; and for each of `FACTS` the recorded values, which is one in most cases.

    Raises:
        WorkbookError: a notebook was not recorded.
    """
    chapters: list[Chapter] = []
    facts: dict[str, set[str]] = {fact: set() for fact in FACTS}
    for path, book in prose.books():
        recorded = book.metadata.get("workbook", {})
        if missing := [fact for fact in FACTS if fact not in recorded]:
            raise WorkbookError(
                f"The notebook {path.name} has no outputs to print.",
                f"`make record` has not written there: {', '.join(missing)}.",
                "Record the notebooks first: `make record`.",
            )
        for fact in FACTS:
            facts[fact].add(recorded[fact])
        chapters.append(_chapter(path, book))
    return chapters, {fact: sorted(values) for fact, values in facts.items()}


def _chapter(path: Path, book: NotebookNode) -> Chapter:
    chapter = Chapter(path.name, prose.title(book))
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
            anchor = f"solution-{chapter.number}-{len(chapter.solutions) + 1}"
            chapter.solutions.append(Solution(anchor, heading, [cell]))
            chapter.flow.append(new_markdown_cell(f"*A solution is [in the appendix](#{anchor}).*"))
        in_solution = _solves(cell)
    return chapter


def _solves(cell: NotebookNode) -> bool:
    """Whether a cell belongs to a solution, or checks the exercise after it."""
    return "solution" in cell.metadata.get("tags", []) or "solution=True" in cell.source
