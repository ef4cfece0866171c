"""The table of the orders and interruptions, at the end."""

from tests import summary


def pytest_terminal_summary(terminalreporter):
    summary.outcomes(terminalreporter, "tests/order/", "Order and repetition", ("tried", "outcome"), row)


def row(report):
    return ": ".join(summary.tested(report)), f"{'✓' if report.passed else '✗'} {summary.noted(report, 'drawn')}"
