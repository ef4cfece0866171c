"""The durations of a run, by part, file and test."""

import json
from types import SimpleNamespace

import pytest

from tests import durations


def report(nodeid, seconds, when="call"):
    return pytest.TestReport(nodeid, ("", None, ""), {}, "passed", None, when, duration=seconds)


REPORTS = [
    report("tests/unit/test_a.py::test_one", 1, "setup"),
    report("tests/unit/test_a.py::test_one", 2),
    report("tests/unit/test_b.py::test_two[a/b::c]", 4),
    report("notebooks/03_deploy.ipynb::Cell 0", 8),
]


def test_phases_are_added_up():
    assert durations.by_part(REPORTS) == {
        "tests/unit": {"tests/unit/test_a.py": {"test_one": 3}, "tests/unit/test_b.py": {"test_two[a/b::c]": 4}},
        "notebooks": {"notebooks/03_deploy.ipynb": {"Cell 0": 8}},
    }


def test_a_table_and_a_file_are_written(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(durations, "FILE", tmp_path / "build" / "durations.json")
    monkeypatch.setattr(durations.summary, "show", lambda reporter, table: shown.append(table))
    no_reports = [SimpleNamespace(), "deselected"]  # pytest counts warnings and the deselected there, too
    durations.pytest_terminal_summary(
        SimpleNamespace(stats={"": REPORTS[:1], "passed": REPORTS[1:], "warnings": no_reports})
    )
    assert json.loads(durations.FILE.read_text(encoding="utf-8")) == durations.by_part(REPORTS)
    (table,) = shown
    rows = list(zip(*(column.cells for column in table.columns), strict=True))
    assert rows == [
        ("tests/unit", "2", "7", "tests/unit/test_b.py", "4"),
        ("notebooks", "1", "8", "notebooks/03_deploy.ipynb", "8"),
    ]


def test_a_run_without_a_test_keeps_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(durations, "FILE", tmp_path / "durations.json")
    durations.pytest_terminal_summary(SimpleNamespace(stats={"error": []}))
    assert not durations.FILE.exists()
