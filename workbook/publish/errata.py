"""The errata, notebooks/ERRATA.md: the chapter's mistakes, and what is true today.

They are read from the notebooks' experiments. Below a caption is a quote: its first sentence is what the chapter says;
the rest, or a later quote that begins with **Today**, is what is true today. Small mistakes are rows of a table with the
columns *the chapter* and *today*. A heading ends the experiment.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from workbook.base.notebooks import NOTEBOOKS
from workbook.publish import prose

PAGE = NOTEBOOKS / "ERRATA.md"


@dataclass
class Erratum:
    """A mistake: what the chapter says, and what is true today, in Markdown; the notebook and cell that show it."""

    number: int
    says: str
    today: str
    notebook: Path
    cell: int | None


def errata() -> list[Erratum]:
    """Return all mistakes, by the numbers of their experiments."""
    found: list[Erratum] = []
    number = 0
    for path, block, cell in prose.blocks():
        text = re.sub(r":$", ".", prose.text(block))  # a colon leads to the notebook's next cell
        if block.type == "heading":
            number = 0
        elif block.type == "table" and number:
            header, *mistakes = prose.rows(block)
            if header == ["the chapter", "today"]:
                found += [Erratum(number, says, today, path, cell) for says, today in mistakes]
        elif block.type == "blockquote" and number and text.startswith("**Today"):
            found[-1].today = f"{found[-1].today} {re.sub(r'^[*]{2}Today[*]{2},? *', '', text)}".strip()
        elif block.type == "blockquote" and number and text.startswith("**The chapter"):
            first, *rest = re.split(r"(?<=[.!?])\s+", text, maxsplit=1)
            says = re.sub(r"^\*\*The chapter says\*\*,? *(that )?", "", first).replace("**", "")
            found.append(Erratum(number, says, "".join(rest), path, cell))
        for category, label in prose.captions(block):
            if category == "Experiment":
                number = int(label)
    return sorted(found, key=lambda erratum: erratum.number)


def page() -> str:
    """Return the page in Markdown."""
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
