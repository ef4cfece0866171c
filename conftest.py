"""What `pytest --nbval` needs: a cluster for the tests, and failures that explain themselves."""

import os
from collections.abc import Iterator

import pytest

from tests import coverage
from tests.cells import is_cell, needs_cluster
from workbook.base.errors import WorkbookError
from workbook.bundle.choose import CHOSEN
from workbook.machine import environment
from workbook.machine.set_up import up
from workbook.publish.execute import TEST_PROFILE, hermetic

pytest_plugins = ["tests.evidence", "tests.exercises", "tests.leftovers"]

# A bundle contains no browser.
collect_ignore = ["tests/browser", "tests/handout"] if os.environ.get(CHOSEN) else []

FAILED = pytest.StashKey[str]()


def pytest_sessionstart() -> None:
    # Kernels inherit the environment: no fixture reaches them.
    os.environ.setdefault("WORKBOOK_PROFILE", TEST_PROFILE)
    hermetic()
    os.environ.update(environment.import_path())


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(coverage)
    config.addinivalue_line("markers", "cluster: needs the tests' cluster")
    config.addinivalue_line("markers", "slow: only run by a command of its own; see tests/README.md")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Set up the tests' cluster if a collected test needs it."""
    if session.config.option.collectonly or not any(map(needs_cluster, session.items)):
        return
    with session.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print()
        try:
            up()
        except WorkbookError as error:
            pytest.exit(f"The tests' cluster could not be set up.\n{error}", returncode=2)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the rest of a notebook after a failed cell: it would only fail for the same reason."""
    if is_cell(item) and (failed := item.parent.stash.get(FAILED, None)):
        pytest.skip(f"{failed} failed before")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed and is_cell(item):
        item.parent.stash.setdefault(FAILED, item.name)
    return report
