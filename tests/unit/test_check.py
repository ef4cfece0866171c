"""A check's mark and its error; and an exercise's output and notes, before and after its solution."""

import pytest

import workbook
from workbook import check
from workbook.lessons.check import CheckFailed


def test_check(capsys):
    check("two and two are four", lambda: 2 + 2 == 4)
    assert capsys.readouterr().out == "✓ two and two are four\n"
    with pytest.raises(CheckFailed, match=r"✗ it rains: not true(.|\n)*Wait an hour"):
        check("it rains", False, "Wait an hour.")


@pytest.fixture
def noted(api_server):
    """The step and the exercise of notebook 14, which has only one, in the table of progress."""
    return lambda: workbook.progress().loc["14_put-it-all-together"].tolist()


def test_what_is_missing_is_no_error(noted, capsys):
    workbook.exercise(14, {"two and two are four": 2 + 2 == 4, "it rains": lambda: False})
    assert capsys.readouterr().out.splitlines() == [
        "✓ two and two are four",
        "✗ it rains: not yet",
        "Try it in the cell above, then run this cell again. The hints are below.",
    ]
    assert noted() == ["✓ to the end", ""]


@pytest.mark.parametrize(("solution", "shown"), [(False, "✓ done"), (True, "with the solution")])
def test_a_done_exercise_is_noted(noted, capsys, solution, shown):
    workbook.exercise(14, {"it rains": lambda: True}, solution=solution)
    assert capsys.readouterr().out.splitlines() == ["✓ it rains", "Exercise 14 is done."]
    assert noted() == ["✓ to the end", shown]


def test_an_exercise_may_have_a_number_of_its_own(api_server, capsys):
    workbook.exercise(0, {"it rains": True}, part=2)
    assert capsys.readouterr().out.splitlines() == ["✓ it rains", "Exercise 00.2 is done."]
    with pytest.raises(CheckFailed, match=r"solution of exercise 00\.2"):
        workbook.exercise(0, {"it rains": False}, part=2, solution=True)


def test_an_exercise_without_claims_is_not_done(noted, capsys):
    workbook.exercise(14, {})
    assert "is done" not in capsys.readouterr().out
    assert noted() == ["✓ to the end", ""]


def test_a_solution_that_does_not_work_is_an_error(noted):
    with pytest.raises(CheckFailed, match=r"solution of exercise 00(.|\n)*`begin"):
        workbook.exercise(0, {"it rains": False}, solution=True)
    assert noted() == ["", ""]
