"""The table of the mutants, at the end."""

from rich.console import Console
from rich.table import Table


def pytest_terminal_summary(terminalreporter):
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if "test_the_wrong_is_caught" in report.nodeid
    ]
    if not reports:
        return
    table = Table("wrong", "caught by", "seconds", title="Mutants")
    for report in reports:
        found = dict(report.user_properties).get("caught")
        wrong, by, seconds = found or (
            report.nodeid.partition("[")[2].rstrip("]"),
            "nothing: it survived",
            report.duration,
        )
        table.add_row(wrong, by.rpartition("/")[2], f"{seconds:.1f}")
    caught = sum(report.passed for report in reports)
    table.add_section()
    table.add_row("all", f"{caught} of {len(reports)}", f"{sum(report.duration for report in reports):.0f}")
    Console(file=terminalreporter._tw._file, width=140).print(table)
