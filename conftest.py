"""What `pytest --nbval` needs: a cluster of the tests' own, and failures that explain themselves."""

import os
from collections.abc import Iterator

import pytest

from workbook.execute import TEST_PROFILE
from workbook.paths import ROOT

LAST = 25
"""Lines of each kind of evidence."""
FAILED = pytest.StashKey[str]()


def pytest_sessionstart() -> None:
    # Kernels inherit the environment; no fixture reaches them.
    os.environ.setdefault("WORKBOOK_PROFILE", TEST_PROFILE)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cluster: needs the tests' cluster")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Sets up the tests' cluster when a test that needs it was collected."""
    if session.config.option.collectonly or not any(map(_needs_cluster, session.items)):
        return
    from workbook.errors import WorkbookError
    from workbook.lifecycle import up

    with session.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print()
        try:
            up()
        except WorkbookError as error:
            pytest.exit(f"The tests' cluster could not be set up.\n{error}", returncode=2)


def _needs_cluster(item: pytest.Item) -> bool:
    return item.get_closest_marker("cluster") is not None or _is_cell(item)


def _is_cell(item: pytest.Item) -> bool:
    return item.path.suffix == ".ipynb"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """After a cell has failed, the rest of its notebook would only fail for the same reason."""
    if _is_cell(item) and (failed := item.parent.stash.get(FAILED, None)):
        pytest.skip(f"{failed} failed before")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed and _needs_cluster(item):
        if _is_cell(item):
            item.parent.stash.setdefault(FAILED, item.name)
        report.sections.append(("The cluster when this failed", _evidence()))
    return report


def _evidence() -> str:
    """What Pods, events and logs tell, for a failure's report."""
    from workbook.commands import CommandFailed
    from workbook.errors import WorkbookError
    from workbook.kubectl import kubectl

    told = []
    for command in ("get all -o wide", "get events --sort-by=.lastTimestamp", "logs -l app --all-containers --tail=20"):
        try:
            lines = kubectl(*command.split()).splitlines()
            told.append("\n".join([f"$ kubectl {command}", *lines[-LAST:]]))
        except (CommandFailed, WorkbookError) as error:
            told.append(f"$ kubectl {command}\n{error}")
    return "\n".join(told)
