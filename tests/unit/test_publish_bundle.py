"""The workbook's own files in a bundle."""

import os
import shutil
import subprocess
import tarfile

import pytest

from workbook.base import own_files
from workbook.base.errors import WorkbookError
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
    "credentials.json",
    "manifests/secret.yaml",
    ".aws/config.toml",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with secrets in its folder."""
    for name in OWN | FOREIGN:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("build/\n.venv\n*.egg-info/\n" if name == ".gitignore" else name, encoding="utf-8")
    for module in (bundle, own_files):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_only_files_that_git_tracks_are_packed(project):
    for words in (["init", "-q"], ["add", *OWN]):
        subprocess.run(["git", *words], cwd=project, check=True)
    (project / "Makefile").unlink()  # deleted, and not yet committed
    assert {path.relative_to(project).as_posix() for path in own_files.own_files()} == OWN - {"Makefile"}


def test_without_git_nothing_is_packed(project, monkeypatch):
    for folder in ("", "without git"):  # an unpacked archive; a clone on a machine without the program
        if folder:
            (project / ".git").mkdir()
            monkeypatch.setenv("PATH", str(project))
        with pytest.raises(WorkbookError, match="Only git knows"):
            own_files.own_files()


def test_where_git_knows_nothing_the_names_in_a_bundles_archive_decide(project, tmp_path):
    packed = tmp_path / "bundle" / "workbook.tar.gz"
    packed.parent.mkdir()
    with tarfile.open(packed, "w:gz") as archive:
        for name in OWN:
            archive.add(project / name, f"workbook/{name}")
    (project / "Makefile").unlink()
    assert {path.relative_to(project).as_posix() for path in own_files.own_files(packed)} == OWN - {"Makefile"}


@pytest.mark.skipif(not shutil.which("git") or os.name == "nt", reason="git is not installed, or links need rights")
def test_a_link_is_not_followed(project, tmp_path):
    (project / "node/secret.py").symlink_to("/etc/passwd")
    for words in (["init", "-q"], ["add", *OWN, "node/secret.py"]):
        subprocess.run(["git", *words], cwd=project, check=True)
    assert {path.relative_to(project).as_posix() for path in own_files.own_files()} == OWN


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_the_archive_has_only_plain_files_in_one_folder(project, tmp_path):
    for words in (["init", "-q"], ["add", *OWN], ["config", "http.extraHeader", "token"]):
        subprocess.run(["git", *words], cwd=project, check=True)
    (project / "node/runc-wrapper").chmod(0o6755)
    new = bundle.Writer(tmp_path / "bundle")
    bundle._add_workbook(new)
    with tarfile.open(tmp_path / "bundle/workbook.tar.gz") as archive:
        members = archive.getmembers()
    assert {member.name for member in members} == {f"workbook/{name}" for name in OWN}
    for member in members:
        assert member.type == tarfile.REGTYPE and not member.pax_headers
        assert (member.uid, member.gid, member.uname, member.gname, member.mtime) == (0, 0, "", "", 0)
        assert member.mode == (0o755 if member.name.endswith("runc-wrapper") else 0o644)
