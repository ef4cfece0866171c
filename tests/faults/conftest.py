"""What the faults have in common: ways to break the tests' cluster, and the table of outcomes at the end."""

import pytest

import workbook
from tests import sessions, summary
from workbook.cluster.current import current
from workbook.kube.client import wait_for_api


@pytest.fixture(autouse=True)
def state():
    """Begins with the web application and its Service; ends with the cluster in order again."""
    workbook.begin(5)
    yield
    workbook.begin(0)


@pytest.fixture
def node():
    """The container that is the cluster's node, to be disturbed; `node("pkill", …)` runs a program in it."""
    ours = current()
    if ours.provider != "kind":
        pytest.skip("the node of this provider is no container of this engine")

    class Node:
        container = property(lambda self: ours.node())

        def __call__(self, *command):
            code, output = self.container.exec_run(list(command))
            assert code == 0, f"{command}: {output.decode()}"
            return output.decode()

    return Node()


@pytest.fixture
def answering():
    """Waits until the API server answers again."""
    ours = current()
    return lambda: wait_for_api(ours)


@pytest.fixture
def session():
    """Runs Python code as a notebook's kernel would, in a process of its own; returns what it printed."""

    def run(code, **env):
        done = sessions.python("-c", code, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def outcome(record_property):
    """Notes what became of it, for the table."""
    return lambda text: record_property("outcome", text)


def pytest_terminal_summary(terminalreporter):
    summary.outcomes(terminalreporter, "tests/faults/", "Faults", ("fault", "outcome"), row)


def row(report):
    return summary.tested(report)[0], summary.noted(report, "outcome") if report.passed else "✗"
