"""What the handout is made of: the notebooks as they were recorded, with the solutions taken out of their flow."""

import re
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from workbook.base.errors import WorkbookError
from workbook.base.notebooks import find

FACTS = ("date", "kubernetes", "provider", "python")
IN_JUPYTERLAB = re.compile(r"^A solution is in the collapsed cell below.*$", re.MULTILINE)
"""Says how to find a solution in JupyterLab; here it is elsewhere."""


@dataclass
class Solution:
    """One exercise's solution: cells with their outputs; `heading` is the one above its exercise."""

    anchor: str
    heading: str
    cells: list[NotebookNode] = field(default_factory=list)


@dataclass
class Chapter:
    """A notebook: its `number` (two digits), `name` (its file's, without the suffix) and title, what is read, and its solutions."""

    number: str
    name: str
    title: str
    flow: list[NotebookNode]
    solutions: list[Solution]


def collect() -> tuple[list[Chapter], dict[str, list[str]]]:
    """The chapters in their order; and of each of `FACTS`, which values were recorded: mostly one.

    Raises:
        WorkbookError: a notebook was not recorded.
    """
    chapters, facts = [], {fact: set() for fact in FACTS}
    for path in find():
        book = nbformat.read(path, as_version=4)
        recorded = book.metadata.get("workbook", {})
        if missing := [fact for fact in FACTS if fact not in recorded]:
            raise WorkbookError(
                f"The notebook {path.name} has no outputs to print.",
                f"`make record` has not written there: {', '.join(missing)}.",
                "Record the notebooks first: `make record`.",
            )
        for fact in FACTS:
            facts[fact].add(recorded[fact])
        chapters.append(_chapter(path.stem, book))
    return chapters, {fact: sorted(values) for fact, values in facts.items()}


def _chapter(name: str, book: NotebookNode) -> Chapter:
    number, heading, last = name[:2], "", None
    chapter = Chapter(number, name, re.match(r"# (.+)", book.cells[0].source)[1], [], [])
    for cell in book.cells:
        if _solves(cell):
            if last is None or not _solves(last):
                anchor = f"solution-{number}-{len(chapter.solutions) + 1}"
                chapter.solutions.append(Solution(anchor, heading))
                chapter.flow.append(new_markdown_cell(f"*A solution is [in the appendix](#{anchor}).*"))
            chapter.solutions[-1].cells.append(cell)
        else:
            if cell.cell_type == "markdown":
                cell.source = IN_JUPYTERLAB.sub("", cell.source)
                heading = ([heading, *re.findall(r"^#{2,} (.+)$", cell.source, re.MULTILINE)])[-1]
            chapter.flow.append(cell)
        last = cell
    return chapter


def _solves(cell: NotebookNode) -> bool:
    """Whether a cell is one of a solution, or asks afterwards whether it holds."""
    return "solution" in cell.metadata.get("tags", []) or "solution=True" in cell.source
