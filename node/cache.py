"""A cache of built files: each result is stored under the hash of its inputs, and only when it is complete."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from workbook.base.lock import lock
from workbook.base.paths import home

HERE = Path(__file__).parent
HASH = 12
"""The number of characters of a hash from `digest`."""


def folder() -> Path:
    """The folder of the cache."""
    return home() / "node"


def digest(*inputs: str | bytes | Path) -> str:
    """A short hash of texts and of the contents of files and folders."""
    total = hashlib.sha256()
    for item in inputs:
        if isinstance(item, Path):
            files = sorted(path for path in item.rglob("*") if path.is_file()) if item.is_dir() else [item]
            parts = [part for file in files for part in (file.name.encode(), file.read_bytes())]
        else:
            parts = [item.encode() if isinstance(item, str) else item]
        for part in parts:
            total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()[:HASH]


def made(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder of a cached result; builds the result first if it is not in the cache.

    The folder gets its final name only after `make` has returned, so an interrupted build leaves no incomplete
    result. Results with the same name and another key are then removed.

    Args:
        name: the name of the result, such as `etcd`.
        key: the hash of its inputs, from `digest`.
        make: builds the result in the empty folder that it is called with.
    """
    final = folder() / f"{name}-{key}"
    if final.is_dir():
        return final
    with lock(folder() / f"{name}.lock", f"build {name}", patience=1800):
        if final.is_dir():
            return final
        for stale in folder().glob(f"{name}.part-*"):
            shutil.rmtree(stale)
        part = Path(tempfile.mkdtemp(prefix=f"{name}.part-", dir=folder()))
        part.chmod(0o755)
        make(part)
        part.replace(final)
        for old in folder().glob(f"{name}-*"):
            if old != final and len(old.name) == len(final.name):
                shutil.rmtree(old)
    return final
