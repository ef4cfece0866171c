"""The tables that are written into documents."""

import pytest

from tests.documents import write_between
from workbook.base.errors import WorkbookError


def test_the_text_around_the_marks_is_kept(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- x: written by `make record` -->\n<!-- end of the x -->\nafter\n", encoding="utf-8")
    for text in ("a table", "another"):
        write_between(page, "x", text)
        assert page.read_text(encoding="utf-8") == (
            f"before\n<!-- x: written by `make record` -->\n{text}\n<!-- end of the x -->\nafter\n"
        )


def test_a_page_without_the_marks_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- x: written by `make record` -->\nall of it", encoding="utf-8")
    with pytest.raises(WorkbookError, match="no place for the x"):
        write_between(page, "x", "a table")
    assert page.read_text(encoding="utf-8").endswith("all of it")
