"""The cells that are run: of a notebook, and among the tests; and which tests need a cluster."""

import pytest
from nbformat import NotebookNode


def is_cell(item: pytest.Item) -> bool:
    return item.path.suffix == ".ipynb"


def code_cells(book: NotebookNode) -> list[NotebookNode]:
    """A notebook's cells of code; nbval counts them from 0."""
    return [cell for cell in book.cells if cell.cell_type == "code"]


def needs_cluster(item: pytest.Item) -> bool:
    return item.get_closest_marker("cluster") is not None or is_cell(item)
