"""A browser, and a folder for the pictures of what it shows: build/screenshots/."""

import pytest

from workbook.base.paths import ROOT
from workbook.machine.browser import browser

SCREENSHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="module")
def chromium():
    """A browser without a window, as long as the module's tests run."""
    with browser() as running:
        yield running


@pytest.fixture(scope="session")
def shoot():
    """Keeps a picture of what a page shows now, under a name; returns the function that does."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def keep(page, name):
        page.screenshot(path=SCREENSHOTS / f"{name}.png")

    return keep
