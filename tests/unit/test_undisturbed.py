"""The tests that need the same image run one at a time in lanes, and the lock on it is released after each."""

from types import SimpleNamespace

import pytest

from tests import undisturbed
from tests.lane import LANE
from workbook.base.lock import holder
from workbook.base.paths import ROOT


@pytest.fixture
def held(tmp_path, monkeypatch):
    monkeypatch.setenv(LANE, str(tmp_path))
    return lambda: bool(holder(tmp_path / "image.lock"))


def item(stash, path="tests/unit/test_a.py", marked=False):
    return SimpleNamespace(
        config=SimpleNamespace(stash=stash), path=ROOT / path, get_closest_marker=lambda name: marked or None
    )


def test_a_marked_test_holds_the_lock_from_its_setup_to_its_teardown(held):
    stash = pytest.Stash()
    for marked in (True, False):
        test = item(stash, marked=marked)
        undisturbed.pytest_runtest_setup(test)
        assert held() is marked
        undisturbed.pytest_runtest_teardown(test, test)
        assert not held()


def test_notebook_02_holds_it_to_its_end(held):
    stash = pytest.Stash()
    cell, next_book = item(stash, "notebooks/02_build.ipynb"), item(stash, "notebooks/03_deploy.ipynb")
    undisturbed.pytest_runtest_setup(cell)
    undisturbed.pytest_runtest_teardown(cell, cell)
    assert held()
    undisturbed.pytest_runtest_setup(cell)
    undisturbed.pytest_runtest_teardown(cell, next_book)
    assert not held()
    undisturbed.pytest_runtest_setup(next_book)
    assert not held()


def test_without_lanes_nothing_is_locked(monkeypatch, tmp_path):
    monkeypatch.delenv(LANE, raising=False)
    monkeypatch.chdir(tmp_path)
    with undisturbed.image():
        assert list(tmp_path.iterdir()) == []
