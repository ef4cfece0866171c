"""The polling loop."""

from types import SimpleNamespace

import pytest

from workbook.base import polling
from workbook.base.polling import poll


def test_the_first_truthy_result_is_returned():
    results = iter([None, "", [1], [2]])
    assert poll(lambda: next(results), timeout=5, every=0) == [1]


def test_a_check_runs_at_least_once():
    assert poll(lambda: "now", timeout=0) == "now"


def test_a_timeout_and_a_last_check(monkeypatch):
    now, calls = [100.0], []

    def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(polling, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    with pytest.raises(TimeoutError, match=r"Timed out after 3 s"):
        poll(lambda: calls.append(now[0]), timeout=3, every=2)
    assert calls == [100, 102, 103]


def test_errors_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        poll(lambda: 1 / 0, timeout=5)
