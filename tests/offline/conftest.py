"""The tables at the end: the error for each damaged bundle, and the duration of a start without a network."""

from rich.table import Table

from tests import summary

DAMAGE, FIGURE = "damage", "figure"
"""The properties that the tests record for the tables."""


def pytest_terminal_summary(terminalreporter):
    # What a fixture records at its end is only in a test's last report, along with all other properties.
    reports = [
        report
        for report in terminalreporter.stats.get("", [])
        if report.when == "teardown" and report.passed and "tests/offline/" in report.nodeid
    ]
    for property, table in (
        (DAMAGE, Table("damage", "error", title="Damaged bundles", show_lines=True)),
        (FIGURE, Table("without a network", "measured", title="Set up from a bundle alone")),
    ):
        for report in reports:
            for name, row in report.user_properties:
                if name == property:
                    table.add_row(*row)
        if table.rows:
            summary.show(terminalreporter, table)
