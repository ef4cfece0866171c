"""Tests on the tests' cluster: each begins in a notebook's state."""

import pytest

import workbook


@pytest.fixture(autouse=True)
def state():
    """The state of notebook 03: the image is on the node, nothing is deployed."""
    workbook.begin(3)
