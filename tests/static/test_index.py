"""The chapter is whole: each of its listings, figures and experiments is in a notebook, and the index says where."""

import nbformat
import pytest

from workbook.publish import index

CHAPTER = {
    "Listing": {f"1-{number}" for number in range(1, 16)},
    "Figure": {f"1-{number}" for number in range(1, 24)},
    "Experiment": {str(number) for number in range(1, 16)},
}


@pytest.mark.parametrize("kind", CHAPTER)
def test_all_are_there_and_no_others(kind):
    assert {number for found, number, *_ in index.captions() if found == kind} == CHAPTER[kind]


def test_the_page_is_what_the_notebooks_say():
    assert index.PAGE.read_text(encoding="utf-8") == index.page(), "run `make record`"


def test_each_listing_is_followed_by_the_file_that_is_named_so():
    """A caption `Listing 1-3` stands above a cell that shows manifests/1-03-….yaml, or the file of an application."""
    for kind, number, path, cell in index.captions():
        if kind == "Listing":
            (source,) = (
                found.source
                for found in nbformat.read(path, as_version=4).cells
                if found.cell_type == "code" and found.execution_count == cell
            )
            prefix = f"manifests/{'1-' + number.removeprefix('1-').zfill(2)}-"
            assert source.startswith("show(") and (prefix in source or "app/webapp/" in source), (number, source)
