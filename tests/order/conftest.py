"""The table of the orders and interruptions, at the end."""

from tests import summary


def pytest_terminal_summary(terminalreporter):
    summary.outcomes(terminalreporter, "tests/order/", "Order and repetition", ("tried", "outcome"), row)


def row(report):
    tried, _, which = report.nodeid.rpartition("::test_")[2].partition("[")
    told = dict(report.user_properties).get("drawn", "")
    return f"{tried.replace('_', ' ')}: {which.rstrip(']')}", f"{'✓' if report.passed else '✗'} {told}"
