"""Fixtures for the tests beside the notebooks."""

import os

import pytest


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of this test's own in place of the workbook's; no cluster is remembered in it."""
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    for name in ("WORKBOOK_CLUSTER", "WORKBOOK_PROFILE", "KUBECONFIG", "WORKBOOK_USERS_KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", os.environ["PATH"])  # so that what `begin` sets is undone after the test
    return tmp_path


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Makes a program of that name, which is found first on PATH; returns the function that does."""

    def make(name: str, script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    return make
