"""The chapter is complete: each of its listings and figures is in a notebook, and the index shows where."""

import nbformat
import pytest

from tests.claims import evidence
from workbook.publish import index

CHAPTER = {
    "Listing": {f"1-{number}" for number in range(1, 16)},
    "Figure": {f"1-{number}" for number in range(1, 24)},
}


@pytest.mark.parametrize("category", CHAPTER)
def test_each_is_in_a_notebook_and_no_others(category):
    assert {number for found, number, *_ in index.captions() if found == category} == CHAPTER[category]


def test_the_page_agrees_with_the_notebooks():
    assert index.PAGE.read_text(encoding="utf-8") == index.page(evidence()), "run `make record`"


def test_each_listing_is_followed_by_its_file():
    """The caption `Listing 1-3` is above a cell that shows manifests/1-03-….yaml, or the file of an application."""
    for category, number, path, cell in index.captions():
        if category == "Listing":
            (source,) = (
                found.source
                for found in nbformat.read(path, as_version=4).cells
                if found.cell_type == "code" and found.execution_count == cell
            )
            prefix = f"manifests/{'1-' + number.removeprefix('1-').zfill(2)}-"
            assert source.startswith("show(") and (prefix in source or "app/webapp/" in source), (number, source)
