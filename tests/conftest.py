"""Fixtures for all tests except the notebooks."""

import os

import pytest


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder for this test, which replaces the workbook's folder."""
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    for name in ("WORKBOOK_CLUSTER", "WORKBOOK_PROFILE", "KUBECONFIG", "WORKBOOK_USERS_KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", os.environ["PATH"])  # so that what `begin` sets is undone after the test
    return tmp_path


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
