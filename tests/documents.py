"""Write tables between two marks of a document: the notebooks in README.md, and the instructors' agenda."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.publish import prose
from workbook.publish.minutes import length, time

AGENDA = ROOT / "classroom" / "README.md"
BREAK, LUNCH, LONGEST_STRETCH = 15, 60, 80  # minutes; the last is work without either
PACE = 1.25
"""The factor by which a class takes longer than a single reader."""


@dataclass(frozen=True)
class Plan:
    """The notebooks of a class, and the hours that it may take at most, with breaks."""

    title: str
    numbers: tuple[str, ...]
    hours: float
    lunch_after: float = inf  # minutes; the next break is lunch


PLANS = (
    Plan("Half a day", ("00", "03", "05", "06", "08"), 4.5),
    Plan("A day", ("00", "01", "03", "04", "05", "06", "08"), 8, lunch_after=150),
    Plan("Two days: the first", ("00", "01", "02", "03", "04", "05", "06"), 8, lunch_after=150),
    Plan("Two days: the second", ("07", "08", "09", "10", "11", "12"), 8, lunch_after=150),
)


def write_between(document: Path, name: str, text: str) -> None:
    """Write `text` into a document, between the two marks of this name.

    Raises:
        WorkbookError: the document does not have both marks; it is left as it was.
    """
    begin, end = f"<!-- {name}: written by `make record` -->\n", f"<!-- end of the {name} -->"
    before, found, rest = document.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise WorkbookError(f"{document.name} has no place for the {name}.", fix=f"Put in these lines: {begin}{end}")
    document.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")


def table() -> str:
    """Return the table of the notebooks: a row for each, with its time as it was recorded last."""
    lines = ["| notebook | time |", "|---|---|"]
    lines += [f"| [{prose.title(book)}](notebooks/{path.name}) | {time(book)} |" for path, book in prose.books()]
    return "\n".join(lines)


def agenda() -> str:
    """Return a table for each plan: a row for each notebook and break, with the time of its start, from 0:00 on."""
    header = "| from | what | minutes | measured |\n|---|---|---|---|\n"
    return "\n\n".join(f"### {plan.title}\n\n{header}" + "\n".join(_rows(plan)) for plan in PLANS)


def _rows(plan: Plan) -> Iterator[str]:
    now, since_break, lunch_after = 0, 0, plan.lunch_after
    for path, book in prose.books(plan.numbers):
        measured = length(book)
        planned = -(-round(measured * PACE) // 5) * 5  # rounded up to five
        if since_break and since_break + planned > LONGEST_STRETCH:
            pause, pause_minutes = "break", BREAK
            if now >= lunch_after:
                pause, pause_minutes, lunch_after = "lunch", LUNCH, inf
            yield f"| {_clock(now)} | *{pause}* | {pause_minutes} | |"
            now, since_break = now + pause_minutes, 0
        yield f"| {_clock(now)} | [{path.stem}](../notebooks/{path.name}) | {planned} | {measured} |"
        now, since_break = now + planned, since_break + planned
    yield f"| {_clock(now)} | *end* | | |"


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"
