"""The chapter's mistakes: each has an experiment, with what the chapter says and what is true today."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from workbook.base import notebooks
from workbook.publish import errata
from workbook.publish.errata import Erratum


@pytest.mark.parametrize("number", range(1, 16))
def test_each_of_the_chapters_mistakes_is_listed_with_what_is_true_today(number):
    found = [erratum for erratum in errata.errata() if erratum.number == number]
    assert found and all(erratum.says and erratum.today for erratum in found)


def test_the_page_agrees_with_the_notebooks():
    assert errata.PAGE.read_text(encoding="utf-8") == errata.page(), "run `make record`"


def test_how_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    quote = "> **The chapter says** that `a.b` is 1.5\n> wide. It is 2."
    table = "**Figure 1-2**, **Experiment 4.** More:\n\n| the chapter | today |\n|---|---|\n| x | y |\n"
    cells = [
        new_markdown_cell(f"## One\n\n**Experiment 3.**\n\n{quote}\n\nTry it:"),
        new_code_cell("1", execution_count=7),
        new_markdown_cell("> **Today** one says so, too:\n\n## Two\n\n> **The chapter says** this. No mistake."),
        new_markdown_cell(table),
        new_code_cell("2", execution_count=8),
    ]
    path = tmp_path / "00_a.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    assert errata.errata() == [
        Erratum(3, "`a.b` is 1.5 wide.", "It is 2. one says so, too.", path, 7),
        Erratum(4, "x", "y", path, 8),
    ]
