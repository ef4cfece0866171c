"""The choice of the browser, and the error when it does not start."""

from pathlib import Path

import pytest

from workbook.base.errors import WorkbookError
from workbook.machine import browser


@pytest.fixture
def on_path(monkeypatch):
    """The programs on PATH: a set that the test changes."""
    programs = set()
    monkeypatch.setattr(browser.shutil, "which", lambda name: f"/bin/{name}" if name in programs else None)
    return programs


def test_a_browser_on_path_is_used(on_path):
    on_path |= {"google-chrome", "microsoft-edge"}
    assert browser.executable() == Path("/bin/google-chrome")


def test_without_one_chromium_is_installed_where_that_is_possible(on_path, monkeypatch):
    monkeypatch.setattr(browser.apt, "installable", lambda: True)
    monkeypatch.setattr(browser.apt, "refresh", lambda fix: None)
    monkeypatch.setattr(browser.apt, "install", lambda packages, fix: on_path.update(packages))
    assert browser.executable() == Path("/bin/chromium")


def test_elsewhere_playwright_has_to_find_one(on_path, monkeypatch):
    monkeypatch.setattr(browser.apt, "installable", lambda: False)
    assert browser.executable() is None


def test_a_browser_that_does_not_start_is_explained(program):
    pytest.importorskip("playwright", reason="`make test` installs it")
    program("chromium", "echo broken >&2; exit 3")
    with pytest.raises(WorkbookError, match=r"No browser can be started[\s\S]*playwright install"), browser.browser():
        pass
