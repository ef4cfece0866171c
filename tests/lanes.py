"""Lanes: `make test` runs several tests at once, each in a process with its own cluster, so that one works while another waits.

pytest-xdist starts the processes and hands out the tests: https://pytest-xdist.readthedocs.io/en/stable/. Here is what it
does not know: which tests stay together, which ones come first, and the cluster of each lane. Lane 0 uses the tests' cluster.
"""

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import leftovers, needs
from tests.cells import is_cell, needs_cluster
from tests.lane import LANE, NO_LANES, has_lanes, is_lane
from workbook.base.errors import WorkbookError
from workbook.base.notebooks import find
from workbook.machine.lanes import delete, start
from workbook.publish.execute import longest_first

TOGETHER = {
    "the second cluster": ("tests/existing/",),
    "JupyterLab": ("tests/browser/test_jupyterlab.py", "tests/cluster/test_safety.py"),  # each looks for a free port
}
"""The tests of several files that run one after the other, in the same lane, because of what they share."""
APART = "tests/order/"
"""Its tests share nothing, and so those of one file may run at once."""
LONG = (
    "tests/unit/test_platforms.py",
    "tests/handout/",
    "tests/static/test_types.py",
    "tests/unit/test_environment.py",
)
"""The longest of those that need no cluster. The rest of them are short, so that all lanes end at about the same time."""


def unit(nodeid: str) -> str:
    """Return the tests that a test stays together with: those of its file, or those that share something."""
    if nodeid.startswith(APART):
        return nodeid
    file = nodeid.partition("::")[0]
    return next((shared for shared, files in TOGETHER.items() if file.startswith(files)), file)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the tests: what takes long comes first, what needs no cluster last.

    The last notebook deletes the cluster of its lane, so no test that needs one may come after it.
    """
    if not is_lane(config):
        return
    with_cluster = {unit(item.nodeid) for item in items if needs_cluster(item)}
    *notebooks, last = longest_first(find())
    place = {path: number for number, path in enumerate(notebooks)}

    def rank(item: pytest.Item) -> tuple[int, int]:
        if unit(item.nodeid) in TOGETHER:
            return 0, 0
        if is_cell(item):
            return (3, 0) if item.path == last else (1, place.get(item.path, 0))  # a reader's copy has no place
        if unit(item.nodeid) in with_cluster:
            return 2, 0
        long = [number for number, start in enumerate(LONG) if item.nodeid.startswith(start)]
        return 4, (long[0] if long else len(LONG))

    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput[LANE] = os.environ[leftovers.MARK]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling  # only developers have it

    class Lanes(LoadScopeScheduling):
        """Gives each lane the next unit when it has nearly finished the one before."""

        def _split_scope(self, nodeid: str) -> str:
            return unit(nodeid)

    return Lanes(config, log)


@pytest.hookimpl(trylast=True)  # after the run has its home, and before the lanes start, which is the very last
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if is_lane(config):
        os.environ[LANE] = config.workerinput[LANE]
    if not has_lanes(config):
        return
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print()
        try:
            for _, _, prepare in needs.needed():
                prepare()
            ready = start_all(len(config.option.tx))
        except WorkbookError as error:
            pytest.exit(f"{error}\n\nThe tests run one after the other.", returncode=NO_LANES)
        del config.option.tx[ready:]
        if ready < 2:
            pytest.exit("The tests run one after the other.", returncode=NO_LANES)
        print(f"{ready} lanes.")
    leftovers.remember(config)


def start_all(lanes: int) -> int:
    """Start the clusters of all lanes but the first, at the same time; return how many lanes have one.

    Raises:
        WorkbookError: a cluster that is not needed cannot be deleted.
    """
    with ThreadPoolExecutor() as pool:
        problems = list(pool.map(start, range(1, lanes)))
    for lane, problem in enumerate(problems, start=1):
        if problem:
            print(f"{problem}\nThe cluster of lane {lane + 1} does not start, so there are {lane}.")
            delete(range(lane, lanes))
            return lane
    return lanes


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Delete the clusters of all lanes but the first, after these have ended, and before leftovers.py looks for more."""
    if has_lanes(session.config) and session.exitstatus != NO_LANES:
        with contextlib.suppress(WorkbookError):  # such a cluster is then listed as a leftover
            delete(range(1, len(session.config.option.tx)))
