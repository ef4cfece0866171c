"""A temporary folder is removed, also when a program writes into it a moment longer."""

import shutil

import pytest

from workbook.base import scratch

REMOVE = shutil.rmtree


def test_a_folder_into_which_a_program_still_writes_is_removed_a_moment_later(monkeypatch):
    attempts = []

    def rmtree(path, **options):
        attempts.append(path)
        if len(attempts) == 1:
            (path / "late").touch()
        else:
            REMOVE(path, **options)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    with scratch.scratch() as folder:
        (folder / "file").touch()
    assert not folder.exists() and len(attempts) == 2


def test_a_folder_that_cannot_be_removed_hides_no_error(monkeypatch):
    monkeypatch.setattr(scratch, "PATIENCE", 0)
    monkeypatch.setattr(shutil, "rmtree", lambda path, **options: None)
    with pytest.raises(ValueError, match="from the block"), scratch.scratch() as folder:
        raise ValueError("from the block")
    REMOVE(folder)
