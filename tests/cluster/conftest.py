"""Tests on the tests' cluster. A table at the end shows the message for each failure."""

import pytest

import workbook
from tests import summary


@pytest.fixture
def state():
    """The state of notebook 03, for a test that changes the Namespace: the image is on the node, nothing is deployed."""
    workbook.begin(3)


@pytest.fixture
def said(record_property):
    """A function that notes the message for a failure, for the table, and returns it."""

    def note(words):
        record_property("said", str(words))
        return words

    return note


def pytest_terminal_summary(terminalreporter):
    summary.outcomes(terminalreporter, "test_diagnosis.py", "Diagnosis", ("failure", "what is said of it"), row)


def row(report):
    name, failure = summary.tested(report)
    return failure or name, summary.noted(report, "said") if report.passed else "✗"
