"""The table of exercises at the end of a run: what each check reported before its solution, and after it."""

import re
from collections.abc import Iterator

import pytest
from rich.table import Table

from tests import summary
from tests.cells import is_cell

MARKS = "marks"
"""The property of a report: an exercise's number, whether it is solved, and the marks of its claims, ✓ or ✗."""
CALL = re.compile(r"^exercise\(\s*(\d+),(?:.|\n)*?(?:part=(\d+),?\s*)?(solution=True,?\s*)?\)\Z", re.MULTILINE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if is_cell(item) and item.test_outputs is not None and (call := CALL.search(item.cell.source)):
        number, part, solution = call.groups()
        title = f"{int(number):02}" + (f".{part}" if part else "")
        text = "".join(output.get("text", "") for output in item.test_outputs)
        marks = [line[0] for line in text.splitlines() if line[0] in "✓✗"]
        report.user_properties.append((MARKS, (title, bool(solution), " ".join(marks))))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    exercises: dict[str, list[str]] = {}
    for report in summary.reports(terminalreporter, "passed", "failed"):
        if marked := summary.noted(report, MARKS):
            title, solved, marks = marked
            exercises.setdefault(title, ["", ""])[solved] = marks
    if exercises:
        table = Table("exercise", "before its solution", "after it", title="Exercises")
        for number, marks in sorted(exercises.items()):
            table.add_row(number, *marks)
        summary.show(terminalreporter, table)
