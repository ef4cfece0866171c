"""`make release`: everything that a release publishes, in build/release/. RELEASING.md has the steps around it."""

import re
import shutil
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.bundle import manifest
from workbook.publish import archive, bundle, handout, sbom
from workbook.publish.site import FOLDER as SITE
from workbook.publish.site import PAPERS, site

FOLDER = ROOT / "build" / "release"
CHANGELOG = ROOT / "CHANGELOG.md"
SUMS, NOTES = "SHA256SUMS", "notes.md"


def release(tag: str = "") -> None:
    """Make the site, the handout, the cheat sheet and the bundle with its SBOM, and print their checksums.

    Args:
        tag: the release's tag; without one, this is a trial, whose notes are those of the unreleased changes.

    Raises:
        WorkbookError: the tag is not that of the version, CHANGELOG.md does not describe it, or something can't be made.
    """
    changes = notes(tag)
    site()
    bundle.bundle()
    print(pack(FOLDER, changes))


def notes(tag: str) -> str:
    """Return the section of CHANGELOG.md about the version with this tag; without a tag, about unreleased changes.

    Raises:
        WorkbookError: the tag is not that of the version in pyproject.toml, or there is no such section.
    """
    version = manifest.version()
    if tag and tag != f"v{version}":
        fix = "Change `version` in pyproject.toml, or use the tag that belongs to it."
        raise WorkbookError(f"The tag {tag} does not belong to version {version}.", fix=fix)
    title = re.escape(version if tag else "Unreleased")
    found = re.search(rf"^## \[{title}\].*\n([\s\S]*?)(?=^## |\Z)", CHANGELOG.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise WorkbookError(
            f"CHANGELOG.md has no section for {tag or 'unreleased changes'}.", fix="Write this section."
        )
    return found[1].strip() + "\n"


def pack(folder: Path, changes: str) -> str:
    """Put the files of the release into `folder`, which is emptied first; return their checksums, as in SHA256SUMS."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name = f"kubernetes-workbook-{manifest.version()}"
    machine = "-".join(map(str, manifest.machine().values())).lower()
    for path in (*(SITE / PAPERS / each for each in handout.FILES), bundle.FOLDER / sbom.NAME):
        shutil.copyfile(path, folder / f"{name}-{path.name}")
    for source, target in ((SITE, f"{name}-site"), (bundle.FOLDER, f"{name}-bundle-{machine}")):
        with archive.compressed(folder / f"{target}.tar.gz") as out:
            for path in sorted(source.rglob("*")):
                if path.is_file():
                    archive.add(out, f"{source.name}/{path.relative_to(source).as_posix()}", path.read_bytes())
    sums = "".join(f"{manifest.entry(path)['sha256']}  {path.name}\n" for path in sorted(folder.iterdir()))
    (folder / SUMS).write_text(sums, encoding="utf-8", newline="\n")
    (folder / NOTES).write_text(changes, encoding="utf-8", newline="\n")
    return sums
