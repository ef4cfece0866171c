"""Executing and recording notebooks, with notebooks that need no cluster."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from workbook.base import notebooks
from workbook.base.errors import WorkbookError
from workbook.publish import execute

OPENING = "# A title\n\n| | |\n|---|---|\n| **you will** | add |\n| **minutes** | 0 |"


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of notebooks in place of the workbook's: 00 ends well, 01 fails."""
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    for name, source in (("00_add", "1 + 1"), ("01_divide", "1 / 0")):
        book = new_notebook(cells=[new_markdown_cell(OPENING), new_code_cell(source), new_code_cell("'after'")])
        nbformat.write(book, tmp_path / f"{name}.ipynb")
    return tmp_path


def test_find(shelf):
    assert [path.stem for path in notebooks.find()] == ["00_add", "01_divide"]
    assert [path.stem for path in notebooks.find(("1",))] == ["01_divide"]
    assert [path.stem for path in notebooks.find(("notebooks/00_add.ipynb",))] == ["00_add"]
    with pytest.raises(WorkbookError, match="no notebook '7'"):
        notebooks.find(("7",))


def test_one_that_fails_does_not_keep_the_others_from_running(shelf):
    kept = {}
    outcomes = execute._execute(notebooks.find()[::-1], lambda path, book: kept.update({path.stem: book}))
    assert [bool(outcome.error) for outcome in outcomes] == [True, False]
    assert "ZeroDivisionError" in outcomes[0].error and "\x1b" not in outcomes[0].error
    good = notebooks.tidy(kept["00_add"])
    assert [cell.execution_count for cell in good.cells[1:]] == [1, 2]
    assert good.cells[1].outputs[0]["data"]["text/plain"] == "2"
    assert "execution" not in good.cells[1].metadata
    assert kept["01_divide"].metadata.workbook["failed"]


def test_minutes_are_written_into_the_opening():
    book = new_notebook(cells=[new_markdown_cell(OPENING), new_markdown_cell("word " * 300)])
    book.metadata["workbook"] = {"seconds": 90}
    assert "| **minutes** | 4, of which the cells run 1.5 |" in notebooks.tidy(book).cells[0].source
    assert notebooks.tidy(book).cells[0].source == notebooks.tidy(book).cells[0].source


def test_unavoidable_delays_are_read_from_the_prose_and_told_with_the_minutes():
    told = "Wait.\n\n**Unavoidable:** 60 s to start, and 10 s to the next probe.\n\nIt waits 99 s."
    book = new_notebook(cells=[new_markdown_cell(OPENING), new_markdown_cell(told), new_markdown_cell("word " * 150)])
    book.metadata["workbook"] = {"seconds": 90}
    assert notebooks.delays(book) == [60, 10]
    assert notebooks.minutes(book).endswith("cells run 1.5, and 1.2 of that are the programs' own delays")


def test_a_cell_that_should_fail_and_does_not_is_a_failure(shelf):
    tagged = new_code_cell("1 + 1", metadata={"tags": ["raises-exception"]})
    nbformat.write(new_notebook(cells=[new_markdown_cell(OPENING), tagged]), shelf / "02_meant.ipynb")
    (outcome,) = execute._execute(notebooks.find(("2",)), lambda path, book: None)
    assert outcome.error == "This cell is meant to fail, and did not:\n1 + 1"
