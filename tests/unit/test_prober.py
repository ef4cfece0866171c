"""What a prober makes of its Pod's log."""

import pytest

from workbook.base.errors import WorkbookError
from workbook.lessons.prober import PROGRAM, Prober, parse


def test_a_log_in_which_answers_came_out_of_order():
    assert parse("100.400 200\n100.000 0\n100.200 503\n") == (100.0, [(0.0, 0), (0.2, 503), (0.4, 200)])


@pytest.mark.parametrize("log", ["", "Traceback\nValueError: no", "100.0 200\nhalf"])
def test_a_log_that_is_none_is_an_error(log):
    with pytest.raises(WorkbookError, match="has not counted"):
        parse(log)


def test_the_program_that_asks_is_one():
    compile(PROGRAM, "prober", "exec")


@pytest.mark.parametrize(
    ("statuses", "failures", "downtime"),
    [([200, 200], 0, 0.0), ([200, 0, 0, 200, 503], 3, 0.4), ([0, 0, 0], 3, 0.6), ([], 0, 0.0)],
)
def test_downtime_is_the_longest_gap(statuses, failures, downtime):
    probed = Prober(0.2, [(n * 0.2, status) for n, status in enumerate(statuses)])
    assert (probed.failures, round(probed.downtime, 3)) == (failures, downtime)
