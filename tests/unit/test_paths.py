"""The folder of the workbook's own files."""

import sys
from pathlib import Path

import pytest

from workbook.base.paths import ROOT, home, modified


def test_the_repository():
    assert (ROOT / "pyproject.toml").is_file()


def test_a_chosen_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WORKBOOK_HOME", "~/own")
    assert home() == tmp_path.resolve() / "own"


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX path is built")
@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [
        ("linux", "XDG_CACHE_HOME", ".cache"),
        ("darwin", "", "Library/Caches"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ],
)
def test_the_folder_of_each_platform(monkeypatch, tmp_path, platform, variable, folder):
    monkeypatch.delenv("WORKBOOK_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
        assert home() == tmp_path / "elsewhere" / "kubernetes-workbook"
        monkeypatch.delenv(variable)
    assert home() == tmp_path / folder / "kubernetes-workbook"


def test_when_a_file_was_modified(tmp_path):
    assert modified(tmp_path / "none") == 0
    (tmp_path / "file").touch()
    assert modified(tmp_path / "file") == (tmp_path / "file").stat().st_mtime_ns
