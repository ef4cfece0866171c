"""A browser."""

import pytest

from workbook.machine.browser import browser


@pytest.fixture(scope="module")
def chromium():
    """A browser without a window, for the tests of a module."""
    with browser() as running:
        yield running
