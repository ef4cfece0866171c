"""Executing notebooks, with notebooks that need no cluster."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.record import tidy
from workbook.base import notebooks
from workbook.publish.execute import execute


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of notebooks in place of the workbook's: 00 succeeds, 01 fails."""
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    for name, source in (("00_add", "1 + 1"), ("01_divide", "1 / 0")):
        book = new_notebook(cells=[new_markdown_cell("# A title"), new_code_cell(source), new_code_cell("'after'")])
        nbformat.write(book, tmp_path / f"{name}.ipynb")
    return tmp_path


def test_a_notebook_that_fails_does_not_keep_the_others_from_running(shelf):
    kept = {}
    outcomes = execute(notebooks.find()[::-1], lambda path, book: kept.update({path.stem: book}))
    assert [bool(outcome.error) for outcome in outcomes] == [True, False]
    assert "ZeroDivisionError" in outcomes[0].error and "\x1b" not in outcomes[0].error
    good = kept["00_add"]
    tidy(good)
    assert [cell.execution_count for cell in good.cells[1:]] == [1, 2]
    assert good.cells[1].outputs[0]["data"]["text/plain"] == "2"
    assert "execution" not in good.cells[1].metadata
    assert kept["01_divide"].metadata.workbook["failed"]


def test_a_cell_that_should_fail_and_does_not_is_a_failure(shelf):
    tagged = new_code_cell("1 + 1", metadata={"tags": ["raises-exception"]})
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A title"), tagged]), shelf / "02_meant.ipynb")
    (outcome,) = execute(notebooks.find(("2",)), lambda path, book: None)
    assert outcome.error == "This cell should fail, but did not:\n1 + 1"


def test_a_notebook_that_is_not_possible_here_is_no_failure(shelf, capsys):
    refusal = (
        "from workbook.base.errors import NotPossible\nraise NotPossible('There is one node.', fix='Add another.')"
    )
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A title"), new_code_cell(refusal)]), shelf / "02_two.ipynb")
    kept = {}
    (outcome,) = execute(notebooks.find(("2",)), lambda path, book: kept.update({path.stem: book}))
    assert (outcome.error, outcome.not_possible) == ("", "There is one node.\nDo:  Add another.")
    assert kept["02_two"].metadata.workbook["failed"]  # so that its recorded outputs are kept
    shown = capsys.readouterr().out
    assert "not possible here" in shown and "02_two.ipynb:\nThere is one node." in shown
