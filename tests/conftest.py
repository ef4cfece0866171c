"""Fixtures for all tests except the notebooks."""

import os

import pytest

from tests.coverage import PROCESSES
from workbook.base.paths import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder for this test, which replaces the workbook's folder."""
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    for name in ("WORKBOOK_CLUSTER", "WORKBOOK_PROFILE", "KUBECONFIG", "WORKBOOK_USERS_KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", os.environ["PATH"])  # so that what `begin` sets is undone after the test
    return tmp_path


@pytest.fixture
def unmeasured(monkeypatch):
    """Measure nothing in a copy of the repository: the coverage is that of the repository itself."""
    monkeypatch.delenv(PROCESSES, raising=False)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that creates a program with this name, which is found first on PATH."""

    def make(name: str, script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    return make


@pytest.fixture(scope="session")
def shoot():
    """A function that saves a screenshot of a page under a name."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def keep(page, name):
        page.screenshot(path=SCREENSHOTS / f"{name}.png")

    return keep
