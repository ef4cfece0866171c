"""The minutes that a notebook takes: read from it, and written into its opening table."""

from nbformat.v4 import new_markdown_cell, new_notebook

from tests.record import write_minutes
from workbook.publish.minutes import delays, minutes

OPENING = "# A title\n\n| | |\n|---|---|\n| **you will** | add |\n| **minutes** | 0 |"


def test_minutes_are_written_into_the_opening():
    book = new_notebook(cells=[new_markdown_cell(OPENING), new_markdown_cell("word " * 300)])
    book.metadata["workbook"] = {"seconds": 90}
    write_minutes(book)
    once = book.cells[0].source
    assert "| **minutes** | 4, of which the cells run 1.5 |" in once
    write_minutes(book)
    assert book.cells[0].source == once


def test_unavoidable_delays_are_read_from_the_prose_and_shown_with_the_minutes():
    text = "Wait.\n\n**Unavoidable:** 60 s to start, and 10 s to the next probe.\n\nIt waits 99 s."
    book = new_notebook(cells=[new_markdown_cell(OPENING), new_markdown_cell(text), new_markdown_cell("word " * 150)])
    book.metadata["workbook"] = {"seconds": 90}
    assert delays(book) == [60, 10]
    assert minutes(book).endswith("cells run 1.5, and 1.2 of that are the programs' own delays")
