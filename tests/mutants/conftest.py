"""The table of the mutants, at the end."""

from tests import summary


def pytest_terminal_summary(terminalreporter):
    summary.outcomes(terminalreporter, "test_the_wrong_is_caught", "Mutants", ("wrong", "caught by"), row)


def row(report):
    by = dict(report.user_properties).get("caught", "nothing: it survived").rpartition("/")[2]
    return report.nodeid.partition("[")[2].rstrip("]"), by if report.passed else f"✗ {by}"
