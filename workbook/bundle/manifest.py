"""manifest.json, the description of a bundle. Its keys are explained in the documentation of this package."""

import hashlib
import json
import platform
import sys
import tomllib
from pathlib import Path
from typing import NotRequired, TypedDict

from workbook.base.paths import ROOT, locks

FORMAT = 1
NAME, SUM = "manifest.json", "manifest.json.sha256"
EXTRAS = ("test",)
"""The optional dependencies in pyproject.toml that a bundle contains, so that it can be tested without a network."""
CLASS = ("hub", "desk")
"""The purposes of the images that only a class in a browser needs."""


class File(TypedDict):
    """A file of a bundle."""

    sha256: str
    size: int


class Machine(TypedDict):
    """The properties of a machine that wheels and programs depend on."""

    system: str
    architecture: str
    python: str


class Image(TypedDict):
    """An image of a bundle, and the archive that contains it."""

    tag: str
    file: str
    official: NotRequired[bool]


class Manifest(TypedDict):
    """The content of manifest.json."""

    format: int
    machine: Machine
    workbook: str
    wants: dict[str, str]
    provider: str
    images: dict[str, Image]
    files: dict[str, File]


def write(folder: Path, content: Manifest) -> str:
    """Write the manifest and its checksum; return the checksum."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    checksum = hashlib.sha256(text).hexdigest()
    (folder / NAME).write_bytes(text)
    (folder / SUM).write_bytes(f"{checksum}  {NAME}\n".encode())
    return checksum


def entry(path: Path) -> File:
    """Return a file's entry in the manifest."""
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "size": path.stat().st_size}


def machine() -> Machine:
    """Return the properties of this machine."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"system": platform.system(), "architecture": platform.machine(), "python": python}


def version() -> str:
    """Return the workbook's version."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def class_packages() -> list[Path]:
    """Return the files that determine the images in `CLASS`: a Dockerfile, and the files that pin their packages."""
    folder = ROOT / "classroom" / "hub"
    names = ("packages.Dockerfile", "proxy/package.json", "proxy/package-lock.json")
    return [*(folder / name for name in names), *locks(*CLASS)]


def wants(*, for_class: bool = False) -> dict[str, str]:
    """Return this workbook's requirements: programs, images, and the sha256 of the files that pin packages.

    Args:
        for_class: also those of a class in a browser.
    """
    pinned = {*locks(*EXTRAS), *(ROOT / "app").glob("*/requirements.txt"), *(class_packages() if for_class else ())}
    packages = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in pinned}
    versions = tomllib.loads((ROOT / "node" / "versions.toml").read_text(encoding="utf-8"))
    return versions | {name: f"sha256 {hashlib.sha256(text.encode()).hexdigest()}" for name, text in packages.items()}
