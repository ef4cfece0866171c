"""Is a bundle whole, and for this machine? With the standard library alone: this runs before anything is installed."""

import hashlib
import json
import platform
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from workbook.base.errors import WorkbookError
from workbook.bundle.manifest import FORMAT, NAME, SUM, entry, machine, wants

AGAIN = "Copy the bundle again from where it was made, and verify it there first: `make verify BUNDLE=…`."
BESIDE = (".DS_Store", "._*", "Thumbs.db", "desktop.ini", ".Spotlight-V100", ".Trashes", "System Volume Information")
"""What systems put onto a USB stick by themselves; wherever else they stand, further files are refused."""
SHOWN = 3


def verify(folder: Path) -> dict[str, Any]:
    """Reads the whole bundle and compares every sum; starts nothing, and writes nothing.

    Args:
        folder: the bundle.

    Returns:
        Its manifest.

    Raises:
        WorkbookError: a file is damaged, missing, or too many; or the bundle is for another machine or workbook.
    """
    begun = time.monotonic()
    manifest = _manifest(folder)
    _suits(manifest)
    files = manifest["files"]
    _names(folder, files)
    with ThreadPoolExecutor() as pool:  # sums are computed outside of Python's lock
        found = dict(zip(files, pool.map(lambda name: entry(folder / name), files), strict=True))
    if wrong := [name for name in files if found[name] != files[name]]:
        raise WorkbookError(
            f"The bundle is damaged: {_some(wrong)}.",
            f"{wrong[0]} has the sha256 {found[wrong[0]]['sha256'][:12]}…, and was made with "
            f"{files[wrong[0]]['sha256'][:12]}….",
            AGAIN,
        )
    size = sum(file["size"] for file in files.values())
    print(
        f"✓ Verify the bundle: {len(files)} files, {size / 1e6:.0f} MB ({time.monotonic() - begun:.1f} s)\n"
        f"  sha256 of its manifest: {seal(folder)}",
        flush=True,
    )
    return manifest


def seal(folder: Path) -> str:
    """The sum of the manifest: it stands for all that the bundle is, and can be told by word of mouth.

    Raises:
        WorkbookError: there is no manifest.
    """
    try:
        return hashlib.sha256((folder / NAME).read_bytes()).hexdigest()
    except OSError:
        raise WorkbookError(
            f"There is no bundle in {folder}.",
            f"It has no readable {NAME}, which `make bundle` writes last.",
            "BUNDLE is the folder that `make bundle` has written; an archive of it is unpacked first.",
        ) from None


def _manifest(folder: Path) -> dict[str, Any]:
    """The manifest, once its own sum is right."""
    total = seal(folder)
    said = (folder / SUM).read_text(errors="replace").split() if (folder / SUM).is_file() else []
    if said[:1] != [total]:
        raise WorkbookError(
            f"The bundle is damaged: {NAME} is not as it was written.",
            f"Its sha256 is {total[:12]}…; {SUM} says {said[0][:12] + '…' if said else 'nothing'}.",
            AGAIN,
        )
    manifest = json.loads((folder / NAME).read_bytes())
    if manifest["format"] != FORMAT:
        raise WorkbookError(
            f"The bundle has format {manifest['format']}, and this workbook reads format {FORMAT}.",
            fix="Take the workbook that is in the bundle (workbook.tar.gz), or make the bundle anew: `make bundle`.",
        )
    return manifest


def _suits(manifest: dict[str, Any]) -> None:
    """Refuses what was made for another machine, or for a workbook that asks for something else."""
    there, here = manifest["machine"], machine()
    if there != here:
        said = "{system} on {architecture} with Python {python}".format
        only_python = there | {"python": here["python"]} == here
        version = there["python"]
        run_with = f"Take Python {version}: `make … PYTHON=python{version}`. Or m" if only_python else "M"
        raise WorkbookError(
            "The bundle is for another Python." if only_python else "The bundle is for another kind of machine.",
            f"It was made for {said(**there)}; this is {said(**here)}.",
            f"{run_with}ake a bundle on a machine like this one: `make bundle`.",
        )
    if (needed := _newest_libc(manifest["files"])) > (here := _numbers(platform.libc_ver()[1])):
        raise WorkbookError(
            "The bundle is for a newer system.",
            f"Its Python packages need glibc {'.'.join(map(str, needed))}; here is "
            f"{'.'.join(map(str, here)) or 'none'}.",
            "Make a bundle on a machine like this one: `make bundle`.",
        )
    there, here = manifest["wants"], wants()
    if differing := [name for name in sorted({*there, *here}) if there.get(name) != here.get(name)]:
        raise WorkbookError(
            "The bundle is for another version of the workbook.",
            "; ".join(f"{name}: {there.get(name)} there, {here.get(name)} here" for name in differing[:SHOWN]) + ".",
            "Take the workbook that is in the bundle (workbook.tar.gz), or make the bundle anew: `make bundle`.",
        )


def _names(folder: Path, files: dict[str, Any]) -> None:
    """Refuses a bundle in which files are missing, too many, or of another size, before any is read."""
    present = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not any(map(_beside, path.relative_to(folder).parts))
    }
    if missing := [name for name in files if name not in present]:
        raise WorkbookError(f"The bundle is not whole: {_some(missing)} missing.", "Its manifest names them.", AGAIN)
    if wrong := [name for name in files if present[name] != files[name]["size"]]:
        raise WorkbookError(
            f"The bundle is damaged: {_some(wrong)}.",
            f"{wrong[0]} has {present[wrong[0]]} bytes, and was made with {files[wrong[0]]['size']}.",
            AGAIN,
        )
    if extra := sorted(present.keys() - files.keys() - {NAME, SUM}):
        raise WorkbookError(
            f"There is more in the bundle than it was made with: {_some(extra)}.",
            "Packages are installed from that folder, so nothing unknown may lie in it.",
            f"Remove it, or {AGAIN[0].lower()}{AGAIN[1:]}",
        )


def _newest_libc(files: Iterable[str]) -> tuple[int, ...]:
    """The C library that all wheels of the bundle can do with; nothing where none needs that of Linux.

    Documentation: https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/#manylinux
    """
    tags = (re.findall(r"manylinux_(\d+_\d+)", name) for name in files)
    return max((min(map(_numbers, found)) for found in tags if found), default=())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


def _beside(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in BESIDE)


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
