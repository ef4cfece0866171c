"""Markdown in prose cells."""

from nbformat.v4 import new_markdown_cell, new_notebook

from workbook.publish import prose


def test_a_title_is_the_heading_of_the_first_cell():
    assert prose.title(new_notebook(cells=[new_markdown_cell("# Why `a` waits\n\nText")])) == "Why `a` waits"


def test_text_is_markdown_without_the_marks_of_its_block():
    (quote,) = prose.tree("> **The chapter says** `a`\n> and *b*.").children
    assert prose.text(quote) == "**The chapter says** `a` and *b*."


def test_rows_of_a_table():
    (table,) = prose.tree("| a | b |\n|---|---|\n| `1` | **2** |\n| 3 | |").children
    assert prose.rows(table) == [["a", "b"], ["`1`", "**2**"], ["3", ""]]


def test_captions_are_bold_and_not_in_code():
    source = "**Listing 1-3.** **Figure 1-10: a** **Lists 1**\n\n```\n**Figure 1-1.**\n```\nFigure 1-2"
    assert prose.captions(prose.tree(source)) == [("Listing", "1-3"), ("Figure", "1-10")]


def test_order_of_numbers():
    assert sorted(["1-10", "1-9", "2", "10"], key=prose.order) == ["1-9", "1-10", "2", "10"]
