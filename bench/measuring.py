"""How a figure comes to be: ways tried in turn, ratios pair by pair, medians, and a goal that is met or missed."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.table import Table

ROUNDS = 5
"""How often each way is measured, where a single one does not take minutes."""


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure, and the goal that it should not exceed (None: told for information only).

    `ours` and `theirs` are the medians in `unit`, from which a ratio was made; None where the figure is no ratio.
    """

    what: str
    figure: float
    goal: float | None
    sign: str = "×"
    against: str = ""
    ours: float | None = None
    theirs: float | None = None
    unit: str = "s"
    runs: int = 1

    @property
    def verdict(self) -> str:
        """`✓` when the goal is met, `✗` when not, nothing where there is none."""
        if self.goal is None:
            return ""
        return "✓" if self.figure <= self.goal else "✗"


def in_turn(ways: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, list[Any]]:
    """Calls the ways one after the other, `rounds` times: A B A B, so that a machine that slows down slows both.

    Returns:
        What each has returned, in order.
    """
    found: dict[str, list[Any]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    return found


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the ratios of what was measured in the same round."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def versus(what: str, against: str, ours: list[float], theirs: list[float], goal: float | None, unit: str = "s") -> Row:
    """A row with the ratio of two ways that were measured in turn."""
    return Row(what, ratio(ours, theirs), goal, "×", against, median(ours), median(theirs), unit, len(ours))


def seconds(call: Callable[[], Any]) -> float:
    """How long a call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def table(rows: list[Row]) -> Table:
    """The rows as they are printed."""
    shown = Table("what", "ours", "against", "theirs", "figure", "goal", "runs", "", title="Ours by theirs, medians")
    for row in rows:
        shown.add_row(
            row.what,
            quantity(row.ours, row.unit),
            row.against,
            quantity(row.theirs, row.unit),
            quantity(row.figure, row.sign),
            "" if row.goal is None else f"≤ {quantity(row.goal, row.sign)}",
            str(row.runs),
            row.verdict,
        )
    return shown


def quantity(value: float | None, unit: str) -> str:
    """A number with three telling digits, and its unit: `0.273 s`, `413 s`, `1.15 ×`; nothing for None."""
    if value is None:
        return ""
    digits = 2 - math.floor(math.log10(value)) if value else 0
    return f"{value:.{max(digits, 0)}f} {unit}".strip()


def record(row: Row) -> dict[str, Any]:
    """The row as build/bench.json has it."""
    return asdict(row) | {"verdict": row.verdict}
