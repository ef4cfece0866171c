"""The table of the mutants, at the end."""

from tests import summary


def pytest_terminal_summary(terminalreporter):
    summary.outcomes(terminalreporter, "test_the_wrong_is_caught", "Mutants", ("wrong", "caught by"), row)


def row(report):
    by = summary.noted(report, "caught").rpartition("/")[2] or "nothing: it survived"
    return summary.tested(report)[1], by if report.passed else f"✗ {by}"
