"""The index, notebooks/README.md: where each listing, figure and experiment of the chapter is."""

from pathlib import Path

from workbook.base.notebooks import NOTEBOOKS
from workbook.publish import prose

PAGE = NOTEBOOKS / "README.md"


def captions() -> list[tuple[str, str, Path, int | None]]:
    """Return the captions in their order: Listing, Figure or Experiment, its number, the notebook, the code cell."""
    return [(*caption, path, cell) for path, block, cell in prose.blocks() for caption in prose.captions(block)]


def page() -> str:
    """Return the page in Markdown: a table for listings, figures and experiments each, a row for each number."""
    lines = [
        "# Where is what",
        "",
        "Each listing, figure and experiment of the chapter, with the notebook and the cell that shows it. What the chapter has wrong: [Errata](ERRATA.md). Written by `make record`.",
    ]
    tables: dict[str, dict[str, list[str]]] = {"Listing": {}, "Figure": {}, "Experiment": {}}
    for category, number, path, cell in captions():
        tables[category].setdefault(number, []).append(f"[{path.stem}]({path.name}) [{cell}]")
    for category, places in tables.items():
        lines += ["", f"## {category}s", "", f"| {category.lower()} | notebook [cell] |", "|---|---|"]
        lines += [f"| {number} | {', '.join(places[number])} |" for number in sorted(places, key=prose.order)]
    return "\n".join(lines) + "\n"
