"""What a bundle contains of the workbook itself."""

import shutil
import subprocess

import pytest

from workbook.publish import bundle

OWN = {
    "Makefile",
    "workbook/errors.py",
    "app/webapp/Dockerfile",
    "notebooks/00_start.ipynb",
    ".gitignore",
    "node/runc-wrapper",
}
FOREIGN = {
    ".env",
    "learner-1.kubeconfig",
    "notes.txt.swp",
    "build/handout.html",
    ".venv/secret",
    "notebooks/id_rsa",
    "workbook.egg-info/SOURCES.txt",
    "token",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with secrets in its folder."""
    for name in OWN | FOREIGN:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("build/\n.venv\n*.egg-info/\n" if name == ".gitignore" else name)
    monkeypatch.setattr(bundle, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_only_files_that_git_tracks_are_packed(project):
    for words in (["init", "-q"], ["add", *OWN]):
        subprocess.run(["git", *words], cwd=project, check=True)
    (project / "Makefile").unlink()  # deleted, and not yet committed
    assert {path.relative_to(project).as_posix() for path in bundle.own_files()} == OWN - {"Makefile"}


def test_without_git_only_files_of_the_kinds_that_the_workbook_has_are_packed(project):
    assert {path.relative_to(project).as_posix() for path in bundle.own_files()} == OWN


def test_the_workbook_is_packed_whole_also_without_git(tmp_path, monkeypatch):
    tracked = {path.relative_to(bundle.ROOT) for path in bundle.own_files()}
    for path in tracked:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    monkeypatch.setattr(bundle, "ROOT", tmp_path)
    assert {path.relative_to(tmp_path) for path in bundle.own_files()} == tracked
