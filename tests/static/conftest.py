"""Print the number of the type checkers' findings at the end of a run."""

import pytest

from tests import summary


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in summary.reports(terminalreporter, "passed", "failed"):
        if findings := summary.noted(report, "findings"):
            terminalreporter.write_line(findings)
