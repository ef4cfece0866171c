"""Built things, each kept under the hash of what it is made of, whole or not at all."""

import hashlib
import shutil
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

from workbook.base.lock import lock
from workbook.base.paths import home

HERE = Path(__file__).parent
VERSIONS: dict[str, str] = tomllib.loads((HERE / "versions.toml").read_text())


def folder() -> Path:
    """Where built things are kept."""
    return home() / "node"


def digest(*inputs: str | bytes | Path) -> str:
    """A short hash of texts and of the contents of files and folders."""
    total = hashlib.sha256()
    for one in inputs:
        if isinstance(one, Path):
            files = sorted(path for path in one.rglob("*") if path.is_file()) if one.is_dir() else [one]
            parts = [part for file in files for part in (file.name.encode(), file.read_bytes())]
        else:
            parts = [one.encode() if isinstance(one, str) else one]
        for part in parts:
            total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()[:12]


def made(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder of the thing `name` whose inputs hash to `key`; `make` fills it when there is none.

    `make` gets an empty folder. What it leaves there appears under its final name only when it has ended well, so an
    interrupted one leaves nothing half. Older things of the same name are then removed.
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
