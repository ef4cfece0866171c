"""The agenda in classroom/README.md: a day, and half a day, planned from the minutes that were measured."""

from collections.abc import Iterator
from dataclasses import dataclass

from workbook.base.paths import ROOT
from workbook.publish import prose
from workbook.publish.minutes import length

PAGE = ROOT / "classroom" / "README.md"
BREAK, LUNCH, LONGEST_STRETCH = 15, 60, 80
"""Minutes: of a break, of lunch, and of work without either."""


@dataclass(frozen=True)
class Plan:
    """The notebooks of a class, and its pace: how many times longer it takes than a reader alone."""

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
    """Return a table for each plan: a row for each notebook and break, with the time at which it begins, from 0:00 on."""
    header = "| from | what | minutes | measured |\n|---|---|---|---|\n"
    return "\n\n".join(f"### {plan.title}\n\n{header}" + "\n".join(_rows(plan)) for plan in PLANS)


def _rows(plan: Plan) -> Iterator[str]:
    now = since_break = 0
    lunch_after = plan.lunch_after
    for path, book in prose.books(plan.numbers):
        measured = length(book)
        minutes = -(-round(measured * plan.pace) // 5) * 5  # rounded up to five
        if since_break and since_break + minutes > LONGEST_STRETCH:
            pause, pause_minutes = "break", BREAK
            if lunch_after is not None and now >= lunch_after:
                pause, pause_minutes, lunch_after = "lunch", LUNCH, None
            yield f"| {_clock(now)} | *{pause}* | {pause_minutes} | |"
            now, since_break = now + pause_minutes, 0
        yield f"| {_clock(now)} | [{path.stem}](../notebooks/{path.name}) | {minutes} | {measured} |"
        now, since_break = now + minutes, since_break + minutes
    yield f"| {_clock(now)} | *end* | | |"


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"
