"""A browser, and a folder for its screenshots: build/screenshots/."""

import pytest

from workbook.base.paths import ROOT
from workbook.machine.browser import browser

SCREENSHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="module")
def chromium():
    """A browser without a window, for the tests of a module."""
    with browser() as running:
        yield running


@pytest.fixture(scope="session")
def shoot():
    """A function that saves a screenshot of a page under a name."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def keep(page, name):
        page.screenshot(path=SCREENSHOTS / f"{name}.png")

    return keep
