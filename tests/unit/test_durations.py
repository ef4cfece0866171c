"""How long steps are expected to take."""

import pytest

from workbook.base import durations


def test_what_was_measured_elsewhere_counts_until_this_machine_has_done_it(home):
    assert durations.expected("Compile kubernetes v1.36.3") == durations.MEASURED["Compile kubernetes"]
    durations.remember({"Compile kubernetes v1.36.3": 90.4})
    durations.remember({"Compile etcd v3.6.10": 12.0})
    assert durations.expected("Compile kubernetes v1.36.3") == 90.4
    assert durations.expected("Compile etcd v3.6.10") == 12.0


def test_a_download_is_not_known_before_it_was_done(home):
    assert durations.expected("Pull python:3.13-slim") is None


def test_a_moment_is_not_worth_mentioning(home):
    durations.remember({"Compile kubernetes v1.36.3": 0.2})
    assert durations.expected("Compile kubernetes v1.36.3") is None


@pytest.mark.parametrize("content", ["", "[1]", '{"a": 1'])
def test_a_damaged_file_counts_as_empty(home, content):
    (home / "durations.json").write_text(content, encoding="utf-8")
    assert durations.expected("Pull python:3.13-slim") is None
    durations.remember({"Pull python:3.13-slim": 7})
    assert durations.expected("Pull python:3.13-slim") == 7


def test_the_seconds_are_shown_with_those_that_are_expected():
    assert durations.shown(83.4, 400.0) == "83 s of about 400 s"
    assert durations.shown(83.4, None) == "83 s"
