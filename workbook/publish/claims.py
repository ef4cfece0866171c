"""The book's claims that the notebooks test, each with its verdict; and the errata, notebooks/ERRATA.md: the claims that don't hold.

They are read from the notebooks. A claim is a quote: one paragraph begins with **What the book says (1).**, numbered in
reading order; another begins with **Today: outdated.** or another verdict. The second may also be a separate quote, after
the cells. A comment after the heading, such as <!-- A7 Z2 -->, names the claims in tests/claims.toml; readers don't see it.
"""

import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from workbook.base.notebooks import NOTEBOOKS
from workbook.publish import prose

PAGE = NOTEBOOKS / "ERRATA.md"
VERDICTS = ("holds", "incomplete", "outdated", "wrong")
HEADING = re.compile(r"What the book says \((\d+|\?)\)\.")
SAYS = re.compile(rf"\*\*{HEADING.pattern}\*\* (?:<!--((?: [A-Z]\d+)+) --> )?(.+)")
TODAY = re.compile(rf"\*\*Today: ({'|'.join(VERDICTS)})\.\*\* (.+)")


@dataclass
class Claim:
    """A claim of the book, its verdict, and what is true today, in Markdown; the notebook and cell that show it.

    `number` is 0 before `make record` numbers the claims. `ids` name the claim in tests/claims.toml.
    """

    number: int
    ids: tuple[str, ...]
    says: str
    verdict: str
    today: str
    notebook: Path
    cell: int | None

    @property
    def place(self) -> str:
        """A link to the notebook, with the cell."""
        return f"[{self.notebook.stem}]({self.notebook.name}) [{self.cell}]"


def claims() -> list[Claim]:
    """Return the claims in reading order. `verdict` and `today` are empty where a notebook does not give them."""
    found: list[Claim] = []
    for path, block, cell in prose.blocks():
        for paragraph in block.children if block.type == "blockquote" else ():
            text = re.sub(r":$", ".", prose.text(paragraph))  # a colon leads to the notebook's next cell
            if said := SAYS.fullmatch(text):
                number = 0 if said[1] == "?" else int(said[1])
                found.append(Claim(number, tuple((said[2] or "").split()), said[3], "", "", path, cell))
            elif (today := TODAY.fullmatch(text)) and found:
                found[-1].verdict, found[-1].today = today.groups()
    return found


def errata() -> str:
    """Return the page of the claims that do not hold, in Markdown."""
    lines = [
        "# Errata",
        "",
        "What the book says, and what is true today. The last column links to the notebook that discusses the claim, with the number of the next code cell there. Cells near it test most claims; other claims have a link to a source. `make record` writes this page.",
        "",
        "| no. | the book says | verdict | today | notebook [cell] |",
        "|---|---|---|---|---|",
    ]
    wrong = (claim for claim in claims() if claim.verdict != "holds")
    lines += [f"| {claim.number} | {claim.says} | {claim.verdict} | {claim.today} | {claim.place} |" for claim in wrong]
    return "\n".join(lines) + "\n"


def number(sources: list[str]) -> list[str]:
    """Return the prose cells of all notebooks with the claims numbered in reading order."""
    numbers = count(1)
    return [
        re.sub(r"(?<=\*\*What the book says \()[\d?]+(?=\)\.\*\*)", lambda _: str(next(numbers)), source)
        for source in sources
    ]
