"""Tests on the tests' cluster: each starts in a notebook's state. A table at the end shows the message for each failure."""

import shutil

import pytest

import workbook
from tests import summary
from tests.registry import known_to, serving
from workbook.cluster import ready
from workbook.cluster.choose import Settings, clusters
from workbook.cluster.current import current
from workbook.cluster.kind import Kind

ELSEWHERE = "workbook-elsewhere"


@pytest.fixture(autouse=True)
def state():
    """The state of notebook 03: the image is on the node, nothing is deployed."""
    workbook.begin(3)


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """An image registry on the loopback: its `host:port`."""
    with serving(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="module")
def elsewhere(registry):
    """A second cluster, which does not belong to the workbook, and whose node can reach the registry.

    Not the tests' own: a node that has an image also by a name whose registry is gone finds it by no name any more.
    """
    if current().provider != "kind":
        pytest.skip("the second cluster is a kind cluster")
    other = Kind(Settings.from_environment(ELSEWHERE))
    ready.settle(other, other.start())  # one that has just started has no name service yet
    try:
        with known_to(other.node(), registry):
            yield other
    finally:
        other.delete()
        shutil.rmtree(clusters() / ELSEWHERE, ignore_errors=True)


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
