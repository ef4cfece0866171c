"""The time that a notebook takes: read from it, and written into its opening table."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from workbook.publish.minutes import delays, length, time, write_time


def book(row="| **Time** | ? |", words=300, seconds=90, prose=""):
    opening = f"# A title\n\n| | |\n|---|---|\n| **You will** | add |\n{row}"
    solution = new_code_cell("word " * 900, metadata={"tags": ["solution"]})
    return new_notebook(
        cells=[new_markdown_cell(opening), new_markdown_cell("word " * words), new_markdown_cell(prose), solution],
        metadata={"workbook": {"seconds": seconds}},
    )


@pytest.mark.parametrize(
    ("row", "written"),
    [
        ("| **Time** | ? |", "| **Time** | 2 min reading, 2 min running |"),
        ("| **Time** | ?, 10 min exercises |", "| **Time** | 2 min reading, 2 min running, 10 min exercises |"),
        (
            "| **Time** | 9 min reading, 8 min running, 7 min exercises |",
            "| **Time** | 2 min reading, 2 min running, 7 min exercises |",
        ),
    ],
)
def test_the_time_is_written_into_the_opening(row, written):
    found = book(row)
    write_time(found)
    assert found.cells[0].source.splitlines()[-1] == written
    write_time(found)
    assert found.cells[0].source.splitlines()[-1] == written


def test_a_class_plans_with_all_three():
    assert length(book("| **Time** | ?, 10 min exercises |")) == 14
    assert length(book(words=0, seconds=0)) == 2


def test_unavoidable_delays_are_read_from_the_prose_and_shown_with_the_time():
    text = "Wait.\n\n**Unavoidable:** 60 s to start, and 10 s to the next probe.\n\nIt waits 99 s."
    assert delays(book(prose=text)) == [60, 10]
    assert time(book(prose=text)).endswith("2 min running (1.2 min of that can't be shortened)")
