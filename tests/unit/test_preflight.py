"""The table of what a cluster needs from this machine."""

import re
from types import SimpleNamespace

import pytest

import workbook
from workbook.engine import find


@pytest.fixture
def small(home, monkeypatch):
    """A machine with an engine and a single CPU."""
    info = {"ServerVersion": "28", "NCPU": 1, "MemTotal": 8 * 2**30, "DockerRootDir": "/"}
    monkeypatch.setattr(find, "ensure_engine", lambda **_: SimpleNamespace(info=lambda: info))
    monkeypatch.setenv("WORKBOOK_CLUSTER", "k3d")


@pytest.fixture
def bare(home, monkeypatch):
    """A machine without an engine, on which a test fails that installs one."""

    def missing(patience, **_):
        raise find.WorkbookError("There is no Docker engine on this machine.", fix="Install Docker.")

    monkeypatch.setattr(find, "reach_engine", missing)
    monkeypatch.setattr(find, "ensure_engine", lambda **_: pytest.fail("an engine is installed twice"))
    monkeypatch.setenv("WORKBOOK_CLUSTER", "kind")


def test_the_table_has_a_fix_for_each_cross(small):
    table = workbook.preflight()
    assert (table.index.name, table.columns.name) == (None, "CHECK")
    assert list(table.columns) == ["OK", "NEEDED", "FOUND", "FIX"]
    assert list(table.index[:5]) == ["Python", "Docker engine", "CPUs", "memory", "disk"]
    assert table.loc["CPUs", "OK"] == "✗" and table.loc["memory", "OK"] == "✓"
    assert (table.loc[table["OK"] == "✗", "FIX"] != "").all()
    assert (table.loc[table["OK"] == "✓", "FIX"] == "").all()


def test_while_the_set_up_runs_its_progress_is_shown_and_nothing_changed(bare, set_up_process):
    set_up_process()
    table = workbook.preflight()
    assert table.index[0] == "set-up" and table.loc["set-up", "OK"] == "·"
    assert re.fullmatch(r"running: Compile etcd v3: \d+ s of about \d+ s", table.loc["set-up", "FOUND"])
    for check in ("Docker engine", "cluster"):
        assert (table.loc[check, "OK"], table.loc[check, "FIX"]) == ("·", "Wait for the set-up.")


def test_a_machine_that_is_too_small_is_a_cross_even_while_the_set_up_runs(small, set_up_process, monkeypatch):
    monkeypatch.setattr(find, "reach_engine", lambda patience, **_: find.ensure_engine())
    set_up_process()
    assert workbook.preflight().loc["CPUs", "OK"] == "✗"


def test_a_failed_set_up_is_a_cross_with_its_fix(small, set_up_process):
    set_up_process().communicate("fail\n")
    row = workbook.preflight().loc["last set-up"]
    assert (row["OK"], row["FOUND"]) == ("✗", "failed: The disk is full.")
    assert row["FIX"].startswith("Free some space.") and "up" in row["FIX"]


def test_an_interrupted_set_up_is_a_note(small, set_up_process):
    process = set_up_process()
    process.kill()
    process.wait()
    row = workbook.preflight().loc["last set-up"]
    assert (row["OK"], row["FOUND"]) == ("·", "interrupted") and "begin(…)" in row["FIX"]


def test_a_complete_set_up_has_no_row(small, set_up_process):
    set_up_process().communicate("\n")
    assert not {"set-up", "last set-up"} & set(workbook.preflight().index)
