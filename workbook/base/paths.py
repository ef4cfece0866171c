"""Where the workbook keeps what it makes: one folder of its own, nothing elsewhere."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _home() -> Path:
    # Not platformdirs: set-up runs before any package is installed.
    if chosen := os.environ.get("WORKBOOK_HOME"):
        return Path(chosen).expanduser().resolve()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "kubernetes-workbook"


HOME = _home()
"""Binaries, built images, kubeconfigs and logs; `make clean` removes it whole. Moved by `WORKBOOK_HOME`."""
