"""Durations: how long each part of the tests took, as a table at the end of a run and as data in build/durations.json."""

import json
import time
from collections import defaultdict

import pytest
from rich.table import Table

from tests import coverage, summary
from tests.lane import has_lanes
from workbook.base.paths import ROOT

FILE = ROOT / "build" / "durations.json"
"""The last run: when it began, its seconds, lanes, whether all tests ran and passed, and the seconds of each test."""
BEGUN = pytest.StashKey[float]()
WHOLE = pytest.StashKey[bool]()

Tests = dict[str, dict[str, dict[str, float]]]
"""The seconds of each test, by its part and its file."""


def by_part(reports: list[pytest.TestReport]) -> Tests:
    """The seconds of each test with its set-up and its teardown. A part is a folder of tests/, or the notebooks.

    What several tests share, such as a second cluster, counts for the first one that needs it.
    """
    found: Tests = defaultdict(lambda: defaultdict(lambda: defaultdict(float)))
    for report in reports:
        file, _, test = report.nodeid.partition("::")
        found[file.rpartition("/")[0]][file][test] += report.duration
    return found


@pytest.hookimpl(tryfirst=True)  # before the lanes start
def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[BEGUN] = time.time()


@pytest.hookimpl(trylast=True)  # after the plugins that let a run fail at its end
def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[WHOLE] = session.exitstatus == 0 and coverage.is_whole(session)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reports = [one for found in terminalreporter.stats.values() for one in found if isinstance(one, pytest.TestReport)]
    if not reports:
        return
    parts, begun = by_part(reports), config.stash[BEGUN]
    run = {
        "begun": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(begun)),
        "seconds": time.time() - begun,
        "lanes": len(config.option.tx) if has_lanes(config) else 1,
        "whole": config.stash[WHOLE],
        "tests": parts,
    }
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(run, indent=1), encoding="utf-8")
    table = Table("part", "tests", "seconds", "longest file", "seconds", title="Durations")
    for part, files in parts.items():
        seconds = {file: sum(tests.values()) for file, tests in files.items()}
        longest = max(seconds, key=seconds.__getitem__)
        count = sum(map(len, files.values()))
        table.add_row(part, str(count), f"{sum(seconds.values()):.0f}", longest, f"{seconds[longest]:.0f}")
    summary.show(terminalreporter, table)
