"""What a release contains, and what it refuses."""

import hashlib
import tarfile

import pytest

pytest.importorskip("sphinx", reason="`make test` and `make site` install it")
from workbook.base.errors import WorkbookError
from workbook.bundle import manifest
from workbook.publish import release

CHANGES = "# Changelog\n\n## [Unreleased]\n\n- More.\n\n## [1.2.0] - 2027-01-31\n\n### Added\n\n- A site.\n\n## [1.1.0] - 2026-12-01\n"


@pytest.fixture
def changelog(tmp_path, monkeypatch):
    (tmp_path / "CHANGELOG.md").write_text(CHANGES, encoding="utf-8")
    monkeypatch.setattr(release, "CHANGELOG", tmp_path / "CHANGELOG.md")
    monkeypatch.setattr(manifest, "version", lambda: "1.2.0")


@pytest.mark.usefixtures("changelog")
def test_the_notes_are_the_section_of_the_version():
    assert release.notes("v1.2.0") == "### Added\n\n- A site.\n"


@pytest.mark.usefixtures("changelog")
def test_the_notes_of_a_trial_are_those_of_what_is_unreleased():
    assert release.notes("") == "- More.\n"


@pytest.mark.usefixtures("changelog")
@pytest.mark.parametrize("tag", ["v1.1.0", "1.2.0", "v1.2.0-rc1"])
def test_the_tag_of_another_version_is_refused(tag):
    with pytest.raises(WorkbookError, match=rf"The tag {tag} does not belong to version 1\.2\.0"):
        release.release(tag)


@pytest.mark.usefixtures("changelog")
def test_a_version_without_a_section_is_refused(monkeypatch):
    monkeypatch.setattr(manifest, "version", lambda: "1.3.0")
    with pytest.raises(WorkbookError, match=r"no section for v1\.3\.0"):
        release.release("v1.3.0")


def test_all_files_are_packed_with_their_checksums(tmp_path, monkeypatch):
    site, bundle = tmp_path / "site", tmp_path / "bundle"
    for path in ("handout.html", "handout.pdf", "cheat-sheet.pdf"):
        write(site / release.PAPERS / path, path)
    write(site / "index.html", "A page")
    write(bundle / "sbom.cdx.json", "{}")
    write(bundle / "wheels/a.whl", "A wheel")
    monkeypatch.setattr(release, "SITE", site)
    monkeypatch.setattr(release.bundle, "FOLDER", bundle)
    monkeypatch.setattr(manifest, "version", lambda: "1.2.0")
    monkeypatch.setattr(manifest, "machine", lambda: {"system": "Linux", "architecture": "x86_64", "python": "3.13"})

    sums = release.pack(tmp_path / "release", "- A site.\n")

    name = "kubernetes-workbook-1.2.0"
    packed = {path.name: path for path in (tmp_path / "release").iterdir()}
    files = ["cheat-sheet.pdf", "handout.html", "handout.pdf", "sbom.cdx.json", "site.tar.gz"]
    listed = dict(reversed(line.split("  ")) for line in sums.splitlines())
    assert sorted(listed) == sorted(f"{name}-{file}" for file in [*files, "bundle-linux-x86_64-3.13.tar.gz"])
    assert packed.keys() == {*listed, "SHA256SUMS", "notes.md"}
    assert packed["SHA256SUMS"].read_text(encoding="utf-8") == sums
    for file, checksum in listed.items():
        assert hashlib.sha256(packed[file].read_bytes()).hexdigest() == checksum
    with tarfile.open(packed[f"{name}-bundle-linux-x86_64-3.13.tar.gz"]) as archive:
        assert archive.getnames() == ["bundle/sbom.cdx.json", "bundle/wheels/a.whl"]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
