"""Print the number of the type checkers' findings at the end of a run."""

import pytest

from tests import summary


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            if findings := summary.noted(report, "findings"):
                terminalreporter.write_line(findings)
