"""Set-up for `pytest --nbval`: its plugins, the environment of kernels, and failures that explain themselves."""

import os
from collections.abc import Iterator

import pytest

from tests import coverage
from tests.cells import is_cell
from workbook.bundle.choose import CHOSEN
from workbook.machine.session import for_kernels
from workbook.publish.execute import TEST_PROFILE

pytest_plugins = ["tests.evidence", "tests.exercises", "tests.leftovers", "tests.needs"]

# A bundle contains no browser.
collect_ignore = ["tests/browser", "tests/handout"] if os.environ.get(CHOSEN) else []

FAILED = pytest.StashKey[str]()


def pytest_sessionstart() -> None:
    # Kernels inherit the environment: fixtures cannot reach them.
    os.environ.setdefault("WORKBOOK_PROFILE", TEST_PROFILE)
    os.environ.update(for_kernels())


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(coverage)
    config.addinivalue_line("markers", "cluster: needs the tests' cluster")
    config.addinivalue_line("markers", "vale: needs the prose linter, which is compiled first")
    config.addinivalue_line("markers", "slow: only run by a command of its own; see tests/README.md")


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
