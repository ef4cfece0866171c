"""The polling loop."""

import time

import pytest

from workbook.base.polling import poll


def test_the_first_truthy_result_is_returned():
    results = iter([None, "", [1], [2]])
    assert poll(lambda: next(results), timeout=5, every=0) == [1]


def test_a_check_runs_at_least_once():
    assert poll(lambda: "now", timeout=0) == "now"


def test_a_timeout_and_a_last_check():
    calls = []
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match=r"Timed out after 0\.3 s"):
        poll(lambda: calls.append(time.monotonic()), timeout=0.3, every=0.2)
    assert len(calls) == 3 and 0.3 <= calls[-1] - begun < 0.6


def test_errors_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        poll(lambda: 1 / 0, timeout=5)
