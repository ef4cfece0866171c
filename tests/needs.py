"""What tests need besides Python packages, a cluster or a browser, is prepared before the first test.

Where it cannot be had, the tests that need it are left out, and the others run. Then the run ends with a table of what was
left out and why, and with `STATUS`, unless it was started with the option `--without-cluster`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from rich.table import Table

from tests import coverage, summary
from tests.cells import needs_browser, needs_cluster
from tests.lane import is_lane
from tests.prose import vale
from workbook.base.commands import for_this_system
from workbook.base.errors import WorkbookError
from workbook.machine.browser import browser
from workbook.machine.set_up import up

OPTION = "--without-cluster"
STATUS = 2
"""The exit status of a run in which nothing failed, and tests were left out."""


@dataclass(frozen=True)
class LeftOut:
    """Tests that did not run, and why."""

    need: str
    folders: Counter[str]
    why: str


LEFT_OUT = pytest.StashKey[list[LeftOut]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "leave out the tests that need a cluster (and those that need a browser or Vale, if that is missing), and call that a success"
    parser.addoption(OPTION, action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = []


@pytest.hookimpl(trylast=True)  # after what marks and `-k` leave out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption(OPTION):
        leave_out(config, items, needs_cluster, "a cluster", f"The option {OPTION} leaves them out.")


def needed() -> tuple[tuple[str, Callable[[pytest.Item], bool], Callable[[], object]], ...]:
    """What some tests need, in words; whether a test needs it; and the function that prepares it."""
    return (
        ("a cluster", needs_cluster, up),
        ("a browser", needs_browser, _try_browser),
        ("Vale", _needs_vale, vale.program),
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly or is_lane(session.config):  # everything is prepared before the lanes start
        return
    for need, needs, prepare in needed():
        if not any(map(needs, session.items)):
            continue
        with session.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print()
            try:
                prepare()
            except WorkbookError as error:
                print(f"\n{error}\n\nThe tests that need {need} are left out.")
                leave_out(session.config, session.items, needs, need, str(error))
    if not any(map(needs_cluster, session.items)):
        coverage.measure_this_process_only()


def _needs_vale(item: pytest.Item) -> bool:
    return item.get_closest_marker("vale") is not None


def _try_browser() -> None:
    with browser():
        pass


def leave_out(
    config: pytest.Config, items: list[pytest.Item], needs: Callable[[pytest.Item], bool], need: str, why: str
) -> None:
    """Remove the tests from `items` that need something that cannot be had, and note it for the end of the run.

    Args:
        config: pytest's configuration.
        items: the tests of the run, in their order.
        needs: whether a test needs it.
        need: what it is, in words.
        why: why it cannot be had, in whole sentences.
    """
    if left := [item for item in items if needs(item)]:
        items[:] = [item for item in items if not needs(item)]
        config.hook.pytest_deselected(items=left)
        folders = Counter(item.path.parent.relative_to(config.rootpath).as_posix() for item in left)
        config.stash[LEFT_OUT].append(LeftOut(need, folders, why))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash[LEFT_OUT] and session.exitstatus == 0 and not session.config.getoption(OPTION):
        session.exitstatus = STATUS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not (found := config.stash[LEFT_OUT]):
        return
    table = Table("left out: tests in", "how many", "which need")
    for left in found:
        for folder, count in left.folders.items():
            table.add_row(folder, str(count), left.need)
    terminalreporter.write_line("")
    summary.show(terminalreporter, table)
    for left in found:
        terminalreporter.write_line(f"{left.why}\n")
    if not config.getoption(OPTION):
        text = f"Tests were left out, so this run fails. To leave them out on purpose: `make test ARGS={OPTION}`."
        terminalreporter.write_line(for_this_system(text))
