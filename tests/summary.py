"""The table at the end of a run."""

from rich.console import Console
from rich.table import Table


def show(reporter, table: Table) -> None:
    """Prints a table below pytest's own reports."""
    Console(file=reporter._tw._file, width=140, markup=False).print(table)


def tested(report) -> tuple[str, str]:
    """A test's name in words, and its parameter, "" where it has none."""
    name, _, which = report.nodeid.rpartition("::test_")[2].partition("[")
    return name.replace("_", " "), which.removesuffix("]")


def noted(report, key: str) -> str:
    """What a test has noted under this key, by `record_property`; "" where it has not."""
    return dict(report.user_properties).get(key, "")


def outcomes(reporter, tests: str, title: str, columns: tuple[str, str], row) -> None:
    """Prints a row for each of the `tests` that ran, by `row(report)`, with its seconds; the last row counts the passed."""
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in reporter.stats.get(outcome, [])
        if tests in report.nodeid
    ]
    if not reports:
        return
    table = Table(*columns, "seconds", title=title)
    for report in reports:
        table.add_row(*row(report), f"{report.duration:.1f}")
    table.add_section()
    good = sum(report.passed for report in reports)
    table.add_row("all", f"{good} of {len(reports)}", f"{sum(report.duration for report in reports):.0f}")
    show(reporter, table)
