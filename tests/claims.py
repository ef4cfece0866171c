"""The claims of the book's chapter, tests/claims.toml: what shows that each verdict is right.

The notebooks' boxes name these claims by their ids, and workbook/publish/claims.py reads the boxes.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.cells import code_cells
from workbook.base.notebooks import find
from workbook.publish import claims

FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Listed:
    """A claim of the chapter, its verdict, and its evidence: `live`, `source`, or `both`.

    `cells` are places such as `"06: check("`: a notebook, and a text of its code cells. `mutants` are names in
    tests/mutants/mutants.toml. `test` is a file of tests, where no cell can show the claim on each cluster.
    """

    says: str
    verdict: str
    evidence: str
    cells: tuple[str, ...] = ()
    mutants: tuple[str, ...] = ()
    test: str = ""

    @property
    def is_live(self) -> bool:
        """Whether cells show the verdict."""
        return self.evidence in ("live", "both")

    @property
    def has_source(self) -> bool:
        """Whether a link in the claim's box shows the verdict."""
        return self.evidence in ("source", "both")


def listed() -> dict[str, Listed]:
    """Return the claims of the chapter by their ids."""
    entries = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {id_: Listed(**_tuples(entry)) for id_, entry in entries.items()}


def cells(place: str) -> tuple[Path | None, list[NotebookNode]]:
    """Return the notebook of a place such as `"06: check("`, and its code cells with that text; no notebook, no cells."""
    number, _, text = place.partition(": ")
    path = next((path for path in find() if path.name.startswith(number)), None)
    return path, [cell for cell in _code(path) if text in cell.source] if path else []


def evidence() -> dict[int, str]:
    """Return for the number of each claim in a box what shows its verdict, in Markdown: cells, a test, a source."""
    entries = listed()
    return {
        claim.number: "; ".join(_parts([entries[id_] for id_ in claim.ids if id_ in entries]))
        for claim in claims.claims()
    }


def _tuples(entry: dict) -> dict:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}


@cache
def _code(path: Path) -> list[NotebookNode]:
    return code_cells(nbformat.read(path, as_version=4))


def _parts(entries: list[Listed]) -> Iterator[str]:
    counts: dict[Path, set[int]] = {}
    for path, found in (cells(place) for entry in entries for place in entry.cells):
        if path:
            counts.setdefault(path, set()).update(cell.execution_count for cell in found if cell.execution_count)
    for path in sorted(counts):
        if counts[path]:
            yield f"[{path.name[:2]}]({path.name}) {', '.join(f'[{count}]' for count in sorted(counts[path]))}"
    for entry in entries:
        if entry.test:
            yield f"[test](../{entry.test})"
    if any(entry.has_source for entry in entries):
        yield "source"
