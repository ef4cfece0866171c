"""Coverage: the share of the lines of workbook/ that the tests run, in notebooks' kernels and other processes, too.

conftest.py imports this module before any module of workbook/: the measurement has to see their first lines.
Documentation: https://coverage.readthedocs.io/en/latest/api_coverage.html
"""

import contextlib
import io
import os
import queue
import sys
from pathlib import Path

import coverage
import pytest

from tests.cells import is_cell, needs_cluster
from tests.lane import has_lanes, is_lane

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "coverage"
RESULT = FOLDER / "data"
"""The file with the result, which `coverage report --show-missing` and `coverage html` read."""
FLOOR = 90
"""The percentage that the whole of `make test` must reach."""
SAVE = "import coverage; coverage.Coverage.current().save()"
"""Code that a kernel runs at its end: nbval kills the kernel, so it cannot save anything later."""
PROCESSES = "COVERAGE_PROCESS_CONFIG"
"""The variable that starts the measurement in other Python processes; coverage sets it."""
MEASUREMENT = pytest.StashKey[coverage.Coverage]()
TOTAL = pytest.StashKey[float]()
OTHERS = pytest.StashKey[str]()
"""The value of `PROCESSES` in this run; empty if other processes are not measured."""


def start() -> coverage.Coverage | None:
    """Start the measurement; return None under a debugger, and in a process that a measured run has started.

    Where the system's encoding is not UTF-8, coverage cannot save the names of all folders: nothing is measured there.
    """
    if sys.gettrace() or coverage.Coverage.current() or sys.getfilesystemencoding() != "utf-8":
        return None
    FOLDER.mkdir(parents=True, exist_ok=True)
    measurement = coverage.Coverage(
        config_file=str(ROOT / "pyproject.toml"),
        data_file=str(FOLDER / f"run-{os.getpid()}"),
        source=[str(ROOT / "workbook")],  # not a copy of it that a test makes
    )
    measurement.start()
    return measurement


STARTED = start()


def pytest_configure(config: pytest.Config) -> None:
    if STARTED:
        config.stash[MEASUREMENT] = STARTED


def pytest_collection_finish(session: pytest.Session) -> None:
    """Measure only runs of all unit tests, since a figure for fewer means little. Measure other processes only with a cluster."""
    if is_lane(session.config):  # as other processes, it is measured if the run is
        return
    if MEASUREMENT not in session.config.stash:
        return
    chosen = session.config.option
    unit_tests = set((ROOT / "tests" / "unit").glob("test_*.py"))
    if chosen.collectonly or chosen.keyword or not unit_tests <= {item.path for item in session.items}:
        session.config.stash[MEASUREMENT].stop()
        del session.config.stash[MEASUREMENT]
    if MEASUREMENT not in session.config.stash or not any(map(needs_cluster, session.items)):
        measure_this_process_only()


def measure_this_process_only() -> None:
    """Do not measure, and slow down, the Python processes that the tests start."""
    os.environ.pop(PROCESSES, None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Measure the processes that a test starts only if it needs a cluster: the others start hundreds, each for a moment."""
    if measured := item.config.stash.setdefault(OTHERS, os.environ.get(PROCESSES, "")):
        if needs_cluster(item):
            os.environ[PROCESSES] = measured
        else:
            measure_this_process_only()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    last_of_its_notebook = is_cell(item) and (nextitem is None or nextitem.parent is not item.parent)
    is_measured = coverage.Coverage.current() if is_lane(item.config) else MEASUREMENT in item.config.stash
    if last_of_its_notebook and is_measured and item.parent.kernel.is_alive():
        with contextlib.suppress(queue.Empty, RuntimeError):  # the kernel is still busy with a cell that failed
            kernel = item.parent.kernel
            kernel.await_reply(kernel.execute_cell_input(SAVE, allow_stdin=False), timeout=30)


def is_whole(session: pytest.Session) -> bool:
    """Whether these are all tests that `make test` runs."""
    if has_lanes(session.config):
        folders = set(session.config.args)
    else:
        folders = {item.path.parent.relative_to(ROOT).as_posix() for item in session.items}
    parts = {"notebooks", "tests/unit", "tests/cluster", "tests/browser", "tests/handout"}
    return folders >= parts and not session.config.option.keyword


def pytest_sessionfinish(session: pytest.Session) -> None:
    if is_lane(session.config) and (started := coverage.Coverage.current()):
        started.stop()
        started.save()
        return
    measurement = session.config.stash.get(MEASUREMENT, None)
    if measurement and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):  # not interrupted
        measurement.stop()
        measurement.save()
        measurement.combine()
        total = session.config.stash[TOTAL] = measurement.report(file=io.StringIO(), ignore_errors=True)
        Path(measurement.get_data().data_filename()).replace(RESULT)
        if is_whole(session) and total < FLOOR and session.exitstatus == 0:
            session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if total := config.stash.get(TOTAL, None):
        terminalreporter.write_line(f"coverage of workbook/: {total:.0f} % (`make test` requires {FLOOR} %)")
