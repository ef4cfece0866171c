"""Paths: the repository, and the one folder that holds all files that the workbook creates."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def home() -> Path:
    """The folder for binaries, built images, kubeconfigs and logs. `WORKBOOK_HOME` moves it; `make clean` removes it."""
    # Not platformdirs: set-up runs before packages are installed.
    if chosen := os.environ.get("WORKBOOK_HOME"):
        return Path(chosen).expanduser().resolve()
    usual = {"win32": ("LOCALAPPDATA", "AppData/Local"), "darwin": ("", "Library/Caches")}
    variable, folder = usual.get(sys.platform, ("XDG_CACHE_HOME", ".cache"))
    return Path(os.environ.get(variable) or Path.home() / folder) / "kubernetes-workbook"


def clusters() -> Path:
    """The folder with a folder for each cluster."""
    return home() / "clusters"


def locks(*extras: str) -> list[Path]:
    """The files that pin a learner's packages, and those of the optional dependencies in pyproject.toml with these names."""
    return [ROOT / "locks" / f"{name}.txt" for name in ("learner", *extras)]


def modified(path: Path) -> int:
    """When a file was last changed, in nanoseconds since 1970; 0 when it does not exist."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
