"""Durations: how long each part of the tests took, as a table at the end of a run and as data in build/durations.json."""

import json
from collections import defaultdict

import pytest
from rich.table import Table

from tests import summary
from workbook.base.paths import ROOT

FILE = ROOT / "build" / "durations.json"
"""The seconds of the last run, by part, file and test."""

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [one for found in terminalreporter.stats.values() for one in found if isinstance(one, pytest.TestReport)]
    if not reports:
        return
    parts = by_part(reports)
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(parts, indent=1), encoding="utf-8")
    table = Table("part", "tests", "seconds", "longest file", "seconds", title="Durations")
    for part, files in parts.items():
        seconds = {file: sum(tests.values()) for file, tests in files.items()}
        longest = max(seconds, key=seconds.__getitem__)
        count = sum(map(len, files.values()))
        table.add_row(part, str(count), f"{sum(seconds.values()):.0f}", longest, f"{seconds[longest]:.0f}")
    summary.show(terminalreporter, table)
