"""Measurements: calls in turn, ratios of pairs, medians, and a goal that is met or missed."""

import math
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, TypeVar

from rich.box import MARKDOWN
from rich.table import Table

Name = TypeVar("Name", bound=Hashable)
Result = TypeVar("Result")
ROUNDS = 5
"""How often each call is measured, unless it takes minutes."""


@dataclass(frozen=True)
class Row:
    """A row of the table: a figure and its goal.

    Args:
        what: the measured action.
        figure: the result.
        goal: what the figure should not exceed; None for a figure that is only shown.
        sign: the unit of the figure and its goal.
        against: the program that the workbook is compared with.
        workbook, peer: the two medians in `unit` of a ratio; None if the figure is not a ratio.
        unit: the unit of these.
        runs: how many pairs were measured.
    """

    what: str
    figure: float
    goal: float | None
    sign: str = "×"
    against: str = ""
    workbook: float | None = None
    peer: float | None = None
    unit: str = "s"
    runs: int = 1

    @property
    def verdict(self) -> str:
        """`✓` if the goal is met, `✗` if not, "" without a goal."""
        if self.goal is None:
            return ""
        return "✓" if self.figure <= self.goal else "✗"


def in_turn(ways: Mapping[Name, Callable[[], Result]], rounds: int = ROUNDS) -> dict[Name, list[Result]]:
    """Call functions in turn, A B A B …, so that a machine that becomes slower affects all of them.

    Args:
        ways: the functions, by name.
        rounds: how often each is called.

    Returns:
        The results of each, in order.
    """
    results: dict[Name, list[Result]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            results[name].append(way())
    return results


def ratio(workbook: list[float], peer: list[float]) -> float:
    """The median of the ratios, each of two measurements from the same round."""
    return median(first / second for first, second in zip(workbook, peer, strict=True))


def versus(
    what: str, against: str, workbook: list[float], peer: list[float], goal: float | None, unit: str = "s"
) -> Row:
    """A row with the ratio of two functions that were measured in turn; arguments as in `Row`."""
    return Row(what, ratio(workbook, peer), goal, "×", against, median(workbook), median(peer), unit, len(workbook))


def seconds(call: Callable[[], Any]) -> float:
    """The seconds that a call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def table(sections: Mapping[str, list[Row]]) -> Table:
    """The table that is printed, in Markdown: a row for each of the rows of these sections."""
    shown = Table("section", "what", "workbook", "compared with", "peer", "figure", "goal", "runs", "", box=MARKDOWN)
    for section, rows in sections.items():
        for row in rows:
            shown.add_row(
                section,
                row.what,
                quantity(row.workbook, row.unit),
                row.against,
                quantity(row.peer, row.unit),
                quantity(row.figure, row.sign),
                "" if row.goal is None else f"≤ {quantity(row.goal, row.sign)}",
                str(row.runs),
                row.verdict,
            )
    return shown


def quantity(value: float | None, unit: str) -> str:
    """A number with three significant digits and its unit: `0.273 s`, `413 s`, `1.15 ×`; "" for None."""
    if value is None:
        return ""
    digits = 2 - math.floor(math.log10(value)) if value and math.isfinite(value) else 0
    return f"{value:.{max(digits, 0)}f} {unit}".strip()


def record(section: str, row: Row) -> dict[str, Any]:
    """The row of a section as it is written to build/bench.json."""
    return {"section": section} | asdict(row) | {"verdict": row.verdict}
