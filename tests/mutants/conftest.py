"""The table of the mutants, at the end."""

from tests import summary


def pytest_terminal_summary(terminalreporter):
    summary.outcomes(terminalreporter, "test_the_mistake_is_noticed", "Mutants", ("mistake", "noticed by"), row)


def row(report):
    by = summary.noted(report, "noticed by").rpartition("/")[2] or "nothing: it survived"
    return summary.tested(report)[1], by if report.passed else f"✗ {by}"
