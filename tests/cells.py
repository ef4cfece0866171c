"""Which tests are cells of notebooks, and which need a cluster."""

import pytest


def is_cell(item: pytest.Item) -> bool:
    return item.path.suffix == ".ipynb"


def needs_cluster(item: pytest.Item) -> bool:
    return item.get_closest_marker("cluster") is not None or is_cell(item)
