"""Set-up for `pytest --nbval`: its plugins, the environment of kernels, and failures that explain themselves."""

import os
from collections.abc import Iterator

import pytest

from tests import coverage, lane, summary
from tests.cells import WHY_SKIPPED, is_cell
from workbook.base.errors import NotPossible
from workbook.bundle.choose import CHOSEN
from workbook.cluster.choose import PROFILE
from workbook.cluster.current import made, own
from workbook.cluster.protocol import State
from workbook.machine.lanes import suffix
from workbook.machine.session import for_kernels
from workbook.publish.execute import TEST_PROFILE

pytest_plugins = [
    "tests.differences",
    "tests.durations",
    "tests.evidence",
    "tests.exercises",
    "tests.leftovers",
    "tests.needs",
    "tests.undisturbed",
    "tests.lanes",  # after those that it imports
]

# A bundle contains no browser.
collect_ignore = ["tests/browser", "tests/handout"] if os.environ.get(CHOSEN) else []

NOT_POSSIBLE = "not possible"
"""The property of a report: the notebook that this machine or this cluster cannot run to the end, and why."""


def pytest_sessionstart(session: pytest.Session) -> None:
    # Kernels inherit the environment: fixtures cannot reach them.
    os.environ[PROFILE] = os.environ.get(PROFILE, TEST_PROFILE) + suffix(lane.number(session.config))
    os.environ.update(for_kernels())


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(coverage)
    config.addinivalue_line("markers", "cluster: needs the tests' cluster")
    config.addinivalue_line("markers", "same_image: needs the image web-app:1.0 as it is; see tests/undisturbed.py")
    config.addinivalue_line("markers", "vale: needs the prose linter, which is compiled first")
    config.addinivalue_line("markers", "slow: only run by a command of its own; see tests/README.md")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the rest of a notebook after a failed cell: it would only fail for the same reason."""
    if is_cell(item) and (why := item.parent.stash.get(WHY_SKIPPED, None)):
        pytest.skip(why)


@pytest.hookimpl(wrapper=True, trylast=True)  # so that the plugins see a skipped cell
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Skip a cell, and the rest of its notebook, if it needs what is not possible here."""
    report = yield
    if report.failed and is_cell(item):
        if why := _not_possible(item):
            report.outcome, report.longrepr = "skipped", (str(item.path), None, f"Skipped: {why}")
            report.user_properties.append((NOT_POSSIBLE, f"{item.path.stem}, from {item.name} on: {why}"))
        item.parent.stash.setdefault(WHY_SKIPPED, why or f"{item.name} failed before")
    return report


def _not_possible(item: pytest.Item) -> str:
    """The message of a cell that needs what is not possible here; empty if the cell has no such error."""
    errors = (output for output in item.test_outputs or [] if output.output_type == "error")
    return next((error.evalue for error in errors if error.ename == NotPossible.__name__), "")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in summary.reports(terminalreporter, "skipped"):
        if line := summary.noted(report, NOT_POSSIBLE):
            terminalreporter.write_line(f"\nNot possible here, and skipped: {line}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Delete the cluster with two nodes, if a notebook has failed before it could."""
    if not any(is_cell(item) for item in getattr(session, "items", [])):
        return
    for cluster in made():
        if cluster.settings.nodes > 1 and cluster.settings.own == own().name and cluster.status() is not State.ABSENT:
            cluster.delete()
