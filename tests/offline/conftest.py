"""The tables at the end: what was broken and what was said, and what a start without a network took."""

from rich.table import Table

from tests import summary

BROKEN, FIGURE = "broken", "figure"
"""Names under which the tests note what the tables show."""


def pytest_terminal_summary(terminalreporter):
    # What a fixture notes at its end is only in the last report of a test, with all that was noted before.
    reports = [
        report
        for report in terminalreporter.stats.get("", [])
        if report.when == "teardown" and report.passed and "tests/offline/" in report.nodeid
    ]
    for name, table in (
        (
            BROKEN,
            Table("what was broken", "what was said", title="A bundle that is not as it should be", show_lines=True),
        ),
        (FIGURE, Table("without a network", "measured", title="Set up from a bundle alone")),
    ):
        for report in reports:
            for key, row in report.user_properties:
                if key == name:
                    table.add_row(*row)
        if table.rows:
            summary.show(terminalreporter, table)
