"""The durations of a run, by part, file and test."""

import json
import time
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


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A function that ends a run with these reports; it returns the tables, and the data if there are any."""
    monkeypatch.setattr(durations, "FILE", tmp_path / "build" / "durations.json")
    monkeypatch.setattr(durations.coverage, "is_whole", lambda session: True)

    def finish(stats, *, exitstatus=0, lanes=0):
        tables = []
        monkeypatch.setattr(durations.summary, "show", lambda reporter, table: tables.append(table))
        config = SimpleNamespace(stash=pytest.Stash(), option=SimpleNamespace(numprocesses=lanes, tx=["popen"] * lanes))
        session = SimpleNamespace(config=config, exitstatus=exitstatus)
        durations.pytest_sessionstart(session)
        durations.pytest_sessionfinish(session)
        durations.pytest_terminal_summary(SimpleNamespace(stats=stats), config)
        return tables, json.loads(durations.FILE.read_text(encoding="utf-8")) if durations.FILE.exists() else None

    return finish


def test_a_table_and_a_file_are_written(finished):
    no_reports = [SimpleNamespace(), "deselected"]  # pytest counts warnings and the deselected there, too
    (table,), data = finished({"": REPORTS[:1], "passed": REPORTS[1:], "warnings": no_reports})
    assert data["tests"] == durations.by_part(REPORTS)
    rows = list(zip(*(column.cells for column in table.columns), strict=True))
    assert rows == [
        ("tests/unit", "2", "7", "tests/unit/test_b.py", "4"),
        ("notebooks", "1", "8", "notebooks/03_deploy.ipynb", "8"),
    ]


@pytest.mark.parametrize(
    ("exitstatus", "lanes", "recorded"), [(0, 0, (True, 1)), (0, 3, (True, 3)), (1, 2, (False, 2))]
)
def test_the_file_says_how_the_tests_ran(finished, exitstatus, lanes, recorded):
    begun = time.time()
    _, data = finished({"passed": REPORTS}, exitstatus=exitstatus, lanes=lanes)
    assert (data["whole"], data["lanes"]) == recorded
    assert 0 <= data["seconds"] <= time.time() - begun
    assert begun - 1 <= time.mktime(time.strptime(data["begun"], "%Y-%m-%d %H:%M:%S")) <= time.time()


def test_a_run_without_a_test_writes_nothing(finished):
    assert finished({"error": []}) == ([], None)
