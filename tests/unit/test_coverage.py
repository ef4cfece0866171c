"""What the measurement of the coverage leaves out."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import coverage


@pytest.mark.parametrize(("before", "seen"), [("settings", ["settings", None, "settings"]), (None, [None, None, None])])
def test_other_processes_are_measured_only_for_tests_that_need_a_cluster(monkeypatch, before, seen):
    monkeypatch.delenv(coverage.PROCESSES, raising=False)
    if before:
        monkeypatch.setenv(coverage.PROCESSES, before)
    config, found = SimpleNamespace(stash=pytest.Stash()), []
    for mark in ("cluster", None, "cluster"):
        item = SimpleNamespace(config=config, path=Path("test_a.py"), get_closest_marker=lambda name, mark=mark: mark)
        coverage.pytest_runtest_setup(item)
        found.append(os.environ.get(coverage.PROCESSES))
    assert found == seen
