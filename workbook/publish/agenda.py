"""A day, and half a day, with the notebooks: planned from the minutes that were measured."""

from collections.abc import Iterator
from dataclasses import dataclass

import nbformat

from workbook.base.notebooks import find, length, write_between
from workbook.base.paths import ROOT

PAGE = ROOT / "classroom" / "README.md"
BREAK, LUNCH, AT_A_STRETCH = 15, 60, 80
"""Minutes: of a break, of lunch, and that people are asked to work without one."""


@dataclass(frozen=True)
class Plan:
    """Which notebooks, and how long: `pace` times what a reader who is alone needs, for questions and exercises."""

    title: str
    numbers: tuple[str, ...]
    pace: float
    lunch_after: int | None = None
    """The minutes after which the next break is lunch."""


PLANS = (
    Plan("Half a day", ("00", "01", "02", "03", "04", "05", "06", "08", "09"), 2.5),
    Plan("A day", tuple(f"{number:02}" for number in range(13)), 3.5, lunch_after=150),
)


def agenda() -> str:
    """A table for each plan: a row per notebook and break, with the time it begins, from 0:00 on."""
    return "\n\n".join(
        "\n".join([f"### {plan.title}", "", "| from | what | minutes | measured |", "|---|---|---|---|", *_rows(plan)])
        for plan in PLANS
    )


def _rows(plan: Plan) -> Iterator[str]:
    now = since_break = 0
    lunch = plan.lunch_after is None  # whether it was had, or is not to be
    for path in find(plan.numbers):
        measured = length(nbformat.read(path, as_version=4))
        minutes = -(-round(measured * plan.pace) // 5) * 5  # rounded up to five
        if since_break and since_break + minutes > AT_A_STRETCH:
            is_lunch = not lunch and now >= plan.lunch_after
            lunch |= is_lunch
            pause = LUNCH if is_lunch else BREAK
            yield f"| {_clock(now)} | *{'lunch' if is_lunch else 'break'}* | {pause} | |"
            now, since_break = now + pause, 0
        yield f"| {_clock(now)} | [{path.stem}](../notebooks/{path.name}) | {minutes} | {measured} |"
        now, since_break = now + minutes, since_break + minutes
    yield f"| {_clock(now)} | *end* | | |"


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


def write_agenda() -> None:
    """Renews the agenda in classroom/README.md."""
    write_between(PAGE, "agenda", agenda())
