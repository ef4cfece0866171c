"""Tables at the end of a run."""

from collections.abc import Callable

import pytest
from rich.console import Console
from rich.table import Table


def show(reporter: pytest.TerminalReporter, table: Table) -> None:
    """Print a table below pytest's own reports."""
    Console(file=reporter._tw._file, width=140, markup=False).print(table)


def tested(report: pytest.TestReport) -> tuple[str, str]:
    """The name of a test in words, and its parameter; "" if it has none."""
    name, _, parameter = report.nodeid.rpartition("::test_")[2].partition("[")
    return name.replace("_", " "), parameter.removesuffix("]")


def reports(reporter: pytest.TerminalReporter, *outcomes: str) -> list[pytest.TestReport]:
    """The reports of the run's tests with these outcomes, such as `failed`, in their order.

    A file that is skipped as a whole, or that cannot be loaded, has a report that is not a test's.
    """
    found = [report for outcome in outcomes for report in reporter.stats.get(outcome, [])]
    return [report for report in found if not isinstance(report, pytest.CollectReport)]


def noted(report: pytest.TestReport, key: str) -> str:
    """The value that a test has recorded by `record_property`; "" if it has not."""
    return dict(report.user_properties).get(key, "")


def outcomes(
    reporter: pytest.TerminalReporter,
    tests: str,
    title: str,
    columns: tuple[str, str],
    row: Callable[[pytest.TestReport], tuple[str, str]],
) -> None:
    """Print a table with a row for each test that ran and its seconds; the last row counts those that passed.

    Args:
        reporter: pytest's terminal reporter.
        tests: a part of the names of the tests, such as their folder.
        title: the title of the table.
        columns: the headings of the first two columns.
        row: returns the first two columns for a test.
    """
    ran = [report for report in reports(reporter, "passed", "failed") if tests in report.nodeid.partition("[")[0]]
    if not ran:
        return
    table = Table(*columns, "seconds", title=title)
    for report in ran:
        table.add_row(*row(report), f"{report.duration:.1f}")
    table.add_section()
    passed = sum(report.passed for report in ran)
    table.add_row("all", f"{passed} of {len(ran)}", f"{sum(report.duration for report in ran):.0f}")
    show(reporter, table)
