"""What the faults have in common: ways to break the tests' cluster, and the table of outcomes at the end."""

import os
import subprocess
import sys

import pytest
from rich.console import Console
from rich.table import Table

import workbook
from workbook import cluster
from workbook.client import wait_for_api
from workbook.paths import ROOT


@pytest.fixture(autouse=True)
def state():
    """Begins with the web application and its Service; ends with the cluster in order again."""
    workbook.begin(5)
    yield
    workbook.begin(0)


@pytest.fixture
def node():
    """The container that is the cluster's node, to be disturbed; `node("pkill", …)` runs a program in it."""
    ours = cluster.current()
    if ours.provider != "kind":
        pytest.skip("the node of this provider is no container of this engine")

    class Node:
        container = property(lambda self: ours._node())

        def __call__(self, *command):
            code, output = self.container.exec_run(list(command))
            assert code == 0, f"{command}: {output.decode()}"
            return output.decode()

    return Node()


@pytest.fixture
def answering():
    """Waits until the API server answers again."""
    ours = cluster.current()
    return lambda: wait_for_api(ours.kubeconfig, ours.context)


@pytest.fixture
def session():
    """Runs Python code as a notebook's kernel would, in a process of its own; returns what it printed."""

    def run(code, **env):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def outcome(request):
    """Notes what became of it, for the table."""
    return lambda text: request.node.user_properties.append(("outcome", text))


def pytest_terminal_summary(terminalreporter):
    reports = [
        report
        for kind in ("passed", "failed")
        for report in terminalreporter.stats.get(kind, [])
        if "tests/faults/" in report.nodeid
    ]
    if not reports:
        return
    table = Table("fault", "outcome", "seconds", title="Faults")
    for report in reports:
        name = report.nodeid.rpartition("::test_")[2].replace("_", " ")
        told = dict(report.user_properties).get("outcome", "") if report.passed else "✗"
        table.add_row(name, told, f"{report.duration:.1f}")
    table.add_section()
    good = sum(report.passed for report in reports)
    table.add_row("all", f"{good} of {len(reports)}", f"{sum(report.duration for report in reports):.0f}")
    Console(file=terminalreporter._tw._file, width=140).print(table)
