"""Cells of notebooks, as they are in the file and as tests; and which tests need a cluster or a browser."""

import pytest
from nbformat import NotebookNode

WHY_SKIPPED = pytest.StashKey[str]()
"""Why the rest of a notebook is skipped."""


def is_cell(item: pytest.Item) -> bool:
    """Whether a test is a cell of a notebook."""
    return item.path.suffix == ".ipynb"


def code_cells(book: NotebookNode) -> list[NotebookNode]:
    """The code cells of a notebook; nbval numbers them from 0."""
    return [cell for cell in book.cells if cell.cell_type == "code"]


def needs_cluster(item: pytest.Item) -> bool:
    """Whether a test needs the tests' cluster: a cell does, and a test with the mark `cluster`."""
    return item.get_closest_marker("cluster") is not None or is_cell(item)


def needs_browser(item: pytest.Item) -> bool:
    """Whether a test looks at pages in a browser, or prints with one."""
    return item.path.parent.name in ("browser", "handout", "site")
