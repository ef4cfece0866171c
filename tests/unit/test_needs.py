"""Tests that need a cluster, a browser or Vale are skipped without it; the run reports it, and fails unless this is intended."""

import re
from collections import Counter
from types import SimpleNamespace

import pytest

from tests import needs, sessions
from tests.needs import OPTION, STATUS
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT

NO_ENGINE = {"DOCKER_HOST": "tcp://127.0.0.1:1", "WORKBOOK_CLUSTER": "kind"}
WITHOUT = "tests/unit/test_errors.py"
WITH = ("tests/cluster/test_tables.py", "notebooks/00_start-here.ipynb")


def test_without_an_engine_the_other_tests_run_and_the_run_fails():
    done = sessions.pytest(WITHOUT, *WITH, **NO_ENGINE)
    assert done.returncode == STATUS, done.stdout
    assert " passed" in done.stdout
    assert re.search(r"│ tests/cluster +│ \d+ +│ a cluster +│\n│ notebooks +│ \d+ +│ a cluster ", done.stdout)
    assert done.stdout.count("No Docker engine answers at the address in DOCKER_HOST.") == 2, "at once, and at the end"
    assert "Do:  Start that engine" in done.stdout and OPTION in done.stdout


def test_to_leave_them_out_on_purpose_is_a_success():
    done = sessions.pytest(OPTION, WITHOUT, *WITH, **NO_ENGINE)
    assert done.returncode == 0, done.stdout
    assert "│ a cluster " in done.stdout and "No Docker engine" not in done.stdout


def test_a_run_of_which_nothing_is_left_is_no_success():
    done = sessions.pytest(OPTION, WITH[0], **NO_ENGINE)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "│ a cluster " in done.stdout


@pytest.mark.parametrize(
    ("left_out", "on_purpose", "before", "after"),
    [
        (False, False, 0, 0),
        (True, False, 0, STATUS),
        (True, True, 0, 0),
        (True, False, 1, 1),
        (True, True, 1, 1),
        (True, True, 5, 5),
    ],
)
def test_the_exit_status(left_out, on_purpose, before, after):
    stash = {needs.LEFT_OUT: [needs.LeftOut("a cluster", Counter(), "")] if left_out else []}
    config = SimpleNamespace(stash=stash, getoption=lambda name: on_purpose)
    session = SimpleNamespace(config=config, exitstatus=before)
    needs.pytest_sessionfinish(session)
    assert session.exitstatus == after


@pytest.mark.parametrize(
    ("need", "prepared", "file", "mark"),
    [
        ("a browser", "tests.needs.browser", "tests/handout/test_handout.py", None),
        ("Vale", "tests.prose.vale.program", "tests/static/test_prose.py", "vale"),
    ],
)
def test_without_a_browser_or_vale_only_their_tests_are_left_out(
    need, prepared, file, mark, pytestconfig, monkeypatch, capsys
):
    def refuse():
        raise WorkbookError("It cannot be had.", fix="Install it.")

    marks = {"tests/unit/test_errors.py": None, file: mark}
    paths = [*marks, file]
    items = [
        SimpleNamespace(path=ROOT / path, get_closest_marker=lambda name, path=path: marks[path] == name or None)
        for path in paths
    ]
    config = SimpleNamespace(
        option=SimpleNamespace(collectonly=False),
        rootpath=ROOT,
        stash={needs.LEFT_OUT: []},
        pluginmanager=pytestconfig.pluginmanager,
        hook=SimpleNamespace(pytest_deselected=lambda items: None),
    )
    monkeypatch.setattr(prepared, refuse)
    needs.pytest_collection_finish(SimpleNamespace(config=config, items=items))
    assert [item.path for item in items] == [ROOT / paths[0]]
    [left] = config.stash[needs.LEFT_OUT]
    assert (left.need, left.folders) == (need, {file.rpartition("/")[0]: 2})
    assert left.why == "It cannot be had.\nDo:  Install it."
