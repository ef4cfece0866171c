"""The chapter's mistakes, with what is so today: read from the experiments in the notebooks.

Below an experiment's caption stands a quote. Its first sentence is what the chapter says, the rest what is so today. Where
that is told only after the experiment, it is a quote of its own that begins with **Today**. Many small ones are a table
with the columns *the chapter* and *today*. A heading ends the experiment.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

from workbook.base.notebooks import NOTEBOOKS, find
from workbook.publish.index import CAPTION

PAGE = NOTEBOOKS / "ERRATA.md"
PIECE = re.compile(
    r"^#+ .*$"
    r"|^(?P<quote>> \*\*(?:The chapter|Today).*(?:\n>.*)*)"
    r"|^\| the chapter \| today \|\n\|[-|]+\|\n(?P<table>(?:\|.*\n?)+)"
    r"|" + CAPTION.pattern,
    re.MULTILINE | re.IGNORECASE,
)
SENTENCE = re.compile(r"(.+?[.!?])(?:\s+|$)", re.DOTALL)


@dataclass
class Erratum:
    """A mistake of the chapter: in Markdown, what it `says`, and what is so `today`; the notebook and cell that show it."""

    number: int
    says: str
    today: str
    notebook: Path
    cell: int | None


def errata() -> list[Erratum]:
    """All of them, by the numbers of their experiments."""
    return sorted((erratum for path in find() for erratum in _read(path)), key=lambda erratum: erratum.number)


def _read(path: Path) -> list[Erratum]:
    found: list[Erratum] = []
    placed = 0
    number = 0
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            if cell.source.strip():
                for erratum in found[placed:]:
                    erratum.cell = cell.execution_count
                placed = len(found)
            continue
        for piece in PIECE.finditer(cell.source):
            if piece["quote"] and number:
                text = " ".join(line.removeprefix(">").strip() for line in piece["quote"].splitlines()).strip()
                if text.startswith("**Today"):
                    found[-1].today = _tidy(f"{found[-1].today} {re.sub(r'^[*]{2}Today[*]{2},? *', '', text)}")
                else:
                    first = SENTENCE.match(text)
                    said = re.sub(r"^\*\*The chapter says\*\*,? *(that )?", "", first[1]).replace("**", "")
                    found.append(Erratum(number, _tidy(said), _tidy(text[first.end() :]), path, None))
            elif piece["table"] and number:
                for row in piece["table"].splitlines():
                    said, today = (column.strip() for column in row.strip("|").split(" | "))
                    found.append(Erratum(number, said, today, path, None))
            elif piece[0].startswith("#"):
                number = 0
            elif piece[0].lower().startswith("**experiment"):
                number = int(CAPTION.match(piece[0])[2])
    return found


def _tidy(text: str) -> str:
    """Sentences that stand by themselves: the last leads to no cell below."""
    return re.sub(r":$", ".", text.strip())


def page() -> str:
    """The page that lists them."""
    lines = [
        "# Errata",
        "",
        "What the chapter says, and what is so today. Each is tried in the notebook and the cell that are named. Written by `make record`.",
        "",
        "| experiment | the chapter says | today | notebook [cell] |",
        "|---|---|---|---|",
    ]
    for wrong in errata():
        place = f"[{wrong.notebook.stem}]({wrong.notebook.name}) [{wrong.cell}]"
        lines.append(f"| {wrong.number} | {wrong.says} | {wrong.today} | {place} |")
    return "\n".join(lines) + "\n"


def write_page() -> None:
    """Renews notebooks/ERRATA.md."""
    PAGE.write_text(page(), encoding="utf-8")
