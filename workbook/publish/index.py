"""Where each listing, figure and experiment of the chapter is: read from the captions in the notebooks."""

import re
from pathlib import Path

import nbformat

from workbook.base.notebooks import NOTEBOOKS, find

INDEX = NOTEBOOKS / "README.md"
CAPTION = re.compile(r"\*\*(Listing|Figure|Experiment) ([\d-]+)\b[^*]*\*\*", re.IGNORECASE)


def captions() -> list[tuple[str, str, Path, int]]:
    """Each caption in the notebooks, in their order: its kind, its number, the notebook, and the next cell's `[n]`."""
    found = []
    for path in find():
        waiting: list[tuple[str, str]] = []
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                waiting += [(kind.capitalize(), number) for kind, number in CAPTION.findall(cell.source)]
            elif cell.source.strip():
                found += [(kind, number, path, cell.execution_count) for kind, number in waiting]
                waiting = []
    return found


def index() -> str:
    """The page that lists them: a table for each kind, a row for each number."""
    lines = [
        "# Where is what",
        "",
        "Each listing, figure and experiment of the chapter, with the notebook and the cell that shows it. What the chapter has wrong: [Errata](ERRATA.md). Written by `make record`.",
    ]
    tables: dict[str, dict[str, list[str]]] = {"Listing": {}, "Figure": {}, "Experiment": {}}
    for kind, number, path, cell in captions():
        tables[kind].setdefault(number, []).append(f"[{path.stem}]({path.name}) [{cell}]")
    for kind, places in tables.items():
        lines += ["", f"## {kind}s", "", f"| {kind.lower()} | notebook [cell] |", "|---|---|"]
        lines += [f"| {number} | {', '.join(places[number])} |" for number in sorted(places, key=_order)]
    return "\n".join(lines) + "\n"


def _order(number: str) -> list[int]:
    return [int(part) for part in number.split("-")]


def write_index() -> None:
    """Renews notebooks/README.md."""
    INDEX.write_text(index())
