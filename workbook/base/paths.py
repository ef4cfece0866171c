"""Paths of the repository, and of the folder with all files that the workbook creates."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def home() -> Path:
    """Return the folder for binaries, built images, kubeconfigs and logs. `WORKBOOK_HOME` moves it; `make clean` removes it."""
    # It does not use platformdirs, because set-up runs before packages are installed.
    if chosen := os.environ.get("WORKBOOK_HOME"):
        return Path(chosen).expanduser().resolve()
    usual = {"win32": ("LOCALAPPDATA", "AppData/Local"), "darwin": ("", "Library/Caches")}
    variable, folder = usual.get(sys.platform, ("XDG_CACHE_HOME", ".cache"))
    return Path(os.environ.get(variable) or Path.home() / folder) / "kubernetes-workbook"


def clusters() -> Path:
    """Return the folder that contains a folder for each cluster."""
    return home() / "clusters"


def locks(*extras: str) -> list[Path]:
    """Return the files that pin a learner's packages, and the packages of these optional dependencies in pyproject.toml."""
    return [ROOT / "locks" / f"{name}.txt" for name in ("learner", *extras)]


def modified(path: Path) -> int:
    """Return the time of a file's last change, in nanoseconds since 1970; 0 if it does not exist."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
