"""Fixtures of the faults: ways to break the tests' cluster, and the table of outcomes at the end."""

import pytest

import workbook
from tests import sessions, summary
from workbook.cluster.current import current
from workbook.kube.client import wait_for_api


@pytest.fixture(autouse=True)
def state():
    """Start with the web application and its Service; repair the cluster at the end."""
    workbook.begin(5)
    yield
    workbook.begin(0)


@pytest.fixture
def node():
    """The container of the cluster's node, for disturbing it; `node("pkill", …)` runs a program in it."""
    cluster = current()
    if cluster.provider != "kind":
        pytest.skip("the node of this provider is no container of this engine")

    class Node:
        container = property(lambda self: cluster.node())

        def __call__(self, *command):
            code, output = self.container.exec_run(list(command))
            assert code == 0, f"{command}: {output.decode()}"
            return output.decode()

    return Node()


@pytest.fixture
def answering():
    """A function that waits until the API server answers again."""
    cluster = current()
    return lambda: wait_for_api(cluster)


@pytest.fixture
def session():
    """A function that runs Python code in a separate process, as a notebook's kernel would, and returns its output."""

    def run(code, **env):
        done = sessions.python("-c", code, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def outcome(record_property):
    """A function that notes the outcome for the table."""
    return lambda text: record_property("outcome", text)


def pytest_terminal_summary(terminalreporter):
    summary.outcomes(terminalreporter, "tests/faults/", "Faults", ("fault", "outcome"), row)


def row(report):
    return summary.tested(report)[0], summary.noted(report, "outcome") if report.passed else "✗"
