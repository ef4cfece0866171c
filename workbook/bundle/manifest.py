"""What a bundle says of itself: manifest.json."""

import hashlib
import json
import platform
import sys
import tomllib
from pathlib import Path
from typing import Any

from workbook.base.paths import ROOT

FORMAT = 1
NAME, SUM = "manifest.json", "manifest.json.sha256"
EXTRAS = ("test",)
"""The optional dependencies in pyproject.toml that a bundle contains: it can be tested without a network."""


def read(folder: Path) -> dict[str, Any]:
    """The manifest of the bundle in `folder`."""
    content: dict[str, Any] = json.loads((folder / NAME).read_bytes())
    return content


def write(folder: Path, manifest: dict[str, Any]) -> str:
    """Writes the manifest, and its sum beside it; returns that sum."""
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    total = hashlib.sha256(text).hexdigest()
    (folder / NAME).write_bytes(text)
    (folder / SUM).write_bytes(f"{total}  {NAME}\n".encode())
    return total


def entry(path: Path) -> dict[str, Any]:
    """What the manifest says of one file: its sum, and its size in bytes."""
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "size": path.stat().st_size}


def machine() -> dict[str, str]:
    """What wheels and programs depend on."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
    }


def version() -> str:
    """The workbook's own version."""
    return str(_project()["project"]["version"])


def build_requirements() -> list[str]:
    """What builds the workbook's own package, as pyproject.toml asks for it."""
    return list(_project()["build-system"]["requires"])


def wants() -> dict[str, str]:
    """What this workbook asks for, by name: Python packages, programs and images, and what the applications install."""
    project = _project()["project"]
    asked = {
        "Python packages": ", ".join(project["dependencies"]),
        **{f"Python packages for {name}": ", ".join(project["optional-dependencies"][name]) for name in EXTRAS},
        "what builds the workbook's package": ", ".join(build_requirements()),
    }
    asked |= tomllib.loads((ROOT / "node" / "versions.toml").read_text(encoding="utf-8"))
    for path in sorted((ROOT / "app").glob("*/requirements.txt")):
        asked[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8").strip()
    return asked


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
