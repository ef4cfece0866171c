"""Tests on the tests' cluster: each begins in a notebook's state."""

import pytest

import workbook
from tests.registry import serving


@pytest.fixture(autouse=True)
def state():
    """The state of notebook 03: the image is on the node, nothing is deployed."""
    workbook.begin(3)


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """An image registry on the loopback: its `host:port`."""
    with serving(tmp_path_factory.mktemp("registry")) as address:
        yield address
