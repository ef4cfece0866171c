"""The index, notebooks/README.md: the place of each listing, figure and claim of the book."""

from collections.abc import Mapping
from pathlib import Path

from workbook.base.notebooks import NOTEBOOKS
from workbook.publish import claims, prose

PAGE = NOTEBOOKS / "README.md"


def captions() -> list[tuple[str, str, Path, int | None]]:
    """Return the captions in their order: Listing or Figure, its number, the notebook, the code cell."""
    return [(*caption, path, cell) for path, block, cell in prose.blocks() for caption in prose.captions(block)]


def page(evidence: Mapping[int, str]) -> str:
    """Return the page in Markdown: a table for listings, figures and claims each, a row for each number.

    Args:
        evidence: for the number of a claim, what shows that its verdict is right, in Markdown.
    """
    lines = [
        "# Index",
        "",
        "The listings and figures of the book's chapter, and the claims that the notebooks try, each with its notebook and cell. "
        "[Errata](ERRATA.md) explains the claims that don't hold, and [Versions](VERSIONS.md) shows on which Kubernetes the verdicts are the same. `make record` writes this page.",
    ]
    tables: dict[str, dict[str, list[str]]] = {"Listing": {}, "Figure": {}}
    for category, number, path, cell in captions():
        tables[category].setdefault(number, []).append(f"[{path.stem}]({path.name}) [{cell}]")
    for category, places in tables.items():
        lines += ["", f"## {category}s", "", f"| {category.lower()} | notebook [cell] |", "|---|---|"]
        lines += [f"| {number} | {', '.join(places[number])} |" for number in sorted(places, key=prose.order)]
    lines += [
        "",
        "## Claims",
        "",
        "The column *evidence* has the cells that would fail if the verdict were wrong. *Source* means that the text links to a source.",
    ]
    lines += ["", "| no. | the book says | verdict | evidence | notebook [cell] |", "|---|---|---|---|---|"]
    lines += [
        f"| {claim.number} | {claim.says} | {claim.verdict} | {evidence.get(claim.number, '')} | {claim.place} |"
        for claim in claims.claims()
    ]
    return "\n".join(lines) + "\n"
