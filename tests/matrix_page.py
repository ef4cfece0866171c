"""The results of `make matrix`, tests/matrix.json, and the page that shows them: notebooks/VERSIONS.md."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

from tests.claims import listed
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.publish import claims
from workbook.publish.claims import Claim

RESULTS = Path(__file__).with_name("matrix.json")
PAGE = NOTEBOOKS / "VERSIONS.md"
KUBERNETES, CLIENTS = "kubernetes", "clients"
UNIT_TESTS = "unit"
"""The part of a client that is no notebook."""
MARKS = {"passed": "✓", "failed": "✗", "skipped": "–"}


class Difference(TypedDict):
    """A failed cell: its number and first line; or a failed test, without a number. `lines` has what differed."""

    cell: int | None
    code: str
    lines: list[str]


class Part(TypedDict):
    """The result of a notebook, or of a folder of tests: when it ran, how many of its tests passed, and what differed.

    `places` has the outcomes of the cells that tests/claims.toml names.
    """

    date: str
    all: int
    passed: int
    places: dict[str, str]
    differences: list[Difference]


class Row(TypedDict):
    """The results of a version: its node image, empty for a client; and its parts by the stems of their paths."""

    image: str
    parts: dict[str, Part]


Results = dict[str, dict[str, Row]]
"""The rows of both tables by their versions."""


def results() -> Results:
    """Return the stored results."""
    found: Results = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def write(new: Results) -> None:
    """Store the results, and write the page."""
    ordered = {table: {name: rows[name] for name in sorted(rows, key=_numbers)} for table, rows in new.items()}
    RESULTS.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(ordered), encoding="utf-8")


def page(found: Results) -> str:
    """Return the page in Markdown."""
    versions, clients = found[KUBERNETES], found[CLIENTS]
    lines = [
        "# Versions",
        "",
        "This page shows which of the book's claims hold on which Kubernetes. `make matrix` ran the notebooks on the versions below, and wrote this page. "
        "The recorded outputs come from the default version.",
        "",
        *_overview("Kubernetes", versions),
        "",
        "## Claims",
        "",
        "✓ means that all cells that try the claim printed what is recorded, so that the verdict is the same. ✗ means that one of them "
        "printed something else, which [is listed below](#what-differed). – means that one of them did not run, and none printed something "
        "else. A claim with a source instead of cells has no mark. The [index](README.md#claims) has the cells.",
        "",
        _line("", "the book says", "verdict", *versions),
        "|---|---|---|" + "---|" * len(versions),
        *(
            _line(str(claim.number), claim.says, claim.verdict, *(mark(claim, row) for row in versions.values()))
            for claim in claims.claims()
        ),
        "",
        "## What differed",
        *([*_differences("Kubernetes", versions)] or ["", "Nothing on these versions."]),
        "",
        "## The Python client",
        "",
        "The workbook asks the API server through the package `kubernetes`. `make matrix ARGS=--clients` runs the unit tests and some notebooks with the newest release of each major version that the workbook allows.",
        "",
        *_overview("client", clients),
        *_differences("client", clients),
    ]
    return "\n".join(lines) + "\n"


def mark(claim: Claim, row: Row) -> str:
    """Return whether a claim holds as said on a version; empty if no cell tries it."""
    entries = listed()
    places = [place for id_ in claim.ids for place in entries[id_].cells]
    tried = {place: state for part in row["parts"].values() for place, state in part["places"].items()}
    states = {tried.get(place, "skipped") for place in places}
    return next((MARKS[state] for state in ("failed", "skipped", "passed") if state in states), "")


def _line(*cells: str) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def _overview(what: str, rows: dict[str, Row]) -> Iterator[str]:
    """A table with a row for each version."""
    if not rows:
        yield "No version was tried yet."
        return
    with_image = any(row["image"] for row in rows.values())
    columns = [what, *(["node image"] if with_image else []), "what ran", "passed", "date"]
    yield _line(*columns)
    yield "|---" * len(columns) + "|"
    for name, row in rows.items():
        parts = row["parts"].values()
        image = "built from source" if row["image"].startswith("workbook-node:") else row["image"].partition("@")[0]
        dates = sorted({part["date"] for part in parts})
        span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
        passed, total = sum(part["passed"] for part in parts), sum(part["all"] for part in parts)
        yield _line(name, *([image] if with_image else []), _ran(row), f"{passed} of {total}", span)


def _ran(row: Row) -> str:
    """What ran on a version, in words."""
    tried = row["parts"].keys() - {UNIT_TESTS}
    numbers = ", ".join(sorted(stem[:2] for stem in tried))
    ran = "all notebooks" if tried >= {path.stem for path in find()} else f"notebooks {numbers}"
    return f"{ran}; unit tests" if UNIT_TESTS in row["parts"] else ran


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _differences(what: str, rows: dict[str, Row]) -> Iterator[str]:
    """The failed cells and tests of each version: expected lines begin with `-`, and printed ones with `+`."""
    for name, row in rows.items():
        for part, result in row["parts"].items():
            for each in result["differences"]:
                place = f"[{part}]({part}.ipynb) [{each['cell']}]" if each["cell"] else part
                yield ""
                yield f"{what} {name}, {place}: `` {each['code']} ``"
                yield ""
                yield "```diff"
                yield from each["lines"]
                yield "```"
