"""Verify that a bundle is complete, undamaged, and made for this machine and this workbook."""

import hashlib
import os
import platform
import re
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.bundle.manifest import CLASS, NAME, SUM, File, Manifest, entry, machine, wants
from workbook.bundle.read import COPY_AGAIN, OTHER_WORKBOOK, parse, text

SYSTEM_FILES = r"\.DS_Store|\._.*|Thumbs\.db|desktop\.ini|\.Spotlight-V100|\.Trashes|System Volume Information"
"""The files and folders that operating systems put onto a USB stick on their own. Other unknown files are refused."""
SHOWN = 3  # names that an error lists


def verify(folder: Path, content: bytes) -> Manifest:
    """Read the whole bundle, compare every checksum, and return the manifest. Nothing is started or written.

    Args:
        folder: the bundle's folder.
        content: the content of its manifest.json.

    Raises:
        WorkbookError: a file is damaged, missing, or unknown; or the bundle is for another machine or workbook.
    """
    begun = time.monotonic()
    _check_sum(seal(content), text(folder, SUM))
    manifest = parse(content)
    _check_machine(manifest)
    _check_workbook(manifest)
    files = manifest["files"]
    try:
        _check_names_and_sizes(folder, files)
        with ThreadPoolExecutor() as pool:  # the hashes are computed without Python's global lock
            found = dict(zip(files, pool.map(lambda name: entry(folder / name), files), strict=True))
    except OSError as error:
        raise WorkbookError("The bundle cannot be read.", str(error), COPY_AGAIN) from error
    if wrong := [name for name in files if found[name] != files[name]]:
        actual, expected = (entries[wrong[0]]["sha256"][:12] for entries in (found, files))
        raise _damaged(_listed(wrong), f"{wrong[0]} has the sha256 {actual}…; the manifest says {expected}….")
    size = sum(file["size"] for file in files.values())
    print(f"✓ Verify the bundle: {len(files)} files, {size / 1e6:.0f} MB ({time.monotonic() - begun:.1f} s)")
    print(f"  sha256 of its manifest: {seal(content)}", flush=True)
    return manifest


def seal(content: bytes) -> str:
    """Return the checksum of the manifest with this content, which identifies the whole bundle."""
    return hashlib.sha256(content).hexdigest()


def _check_sum(found: str, written: bytes) -> None:
    """Refuse a manifest whose checksum is not the one that was written next to it."""
    expected = written.decode(errors="replace").split()
    if expected[:1] != [found]:
        says = ascii(expected[0][:12]) + "…" if expected else "nothing"
        raise _damaged(f"{NAME} does not match its checksum", f"Its sha256 is {found[:12]}…; {SUM} says {says}.")


def _check_machine(manifest: Manifest) -> None:
    """Refuse a bundle for another system, architecture, Python, or a newer C library."""
    target, this = manifest["machine"], machine()
    fix = "Make a bundle on a machine like this one: `make bundle`."
    if target != this:
        described = "{system} on {architecture} with Python {python}".format
        evidence = f"It was made for {described(**target)}; this is {described(**this)}."
        version = target["python"]
        if {**target, "python": this["python"]} == this:
            use = f"Use Python {version}: `make … PYTHON=python{version}`."
            raise WorkbookError("The bundle is for another Python.", evidence, f"{use} Or: {fix}")
        raise WorkbookError("The bundle is for another type of machine.", evidence, fix)
    needed, present = _newest_libc(manifest["files"]), platform.libc_ver()[1]
    if _numbers(needed) > _numbers(present):
        evidence = f"Its Python packages need glibc {needed.replace('_', '.')}; this system has {present or 'none'}."
        raise WorkbookError("The bundle is for a newer system.", evidence, fix)


def _check_workbook(manifest: Manifest) -> None:
    """Refuse a bundle for a workbook with other requirements."""
    bundled, wanted = manifest["wants"], wants(for_class=manifest["images"].keys() >= set(CLASS))
    differences = [
        f"{name}: {bundled.get(name)} in the bundle, {wanted.get(name)} here"
        for name in sorted({*bundled, *wanted})
        if bundled.get(name) != wanted.get(name)
    ]
    if differences:
        evidence = "; ".join(differences[:SHOWN]) + "."
        raise WorkbookError("The bundle is for another version of the workbook.", evidence, OTHER_WORKBOOK)


def _check_names_and_sizes(folder: Path, files: Mapping[str, File]) -> None:
    """Refuse a bundle with missing or unknown files, or with files of another size, before any file is read."""
    entries = dict(_entries(folder))
    if odd := sorted(name for name, status in entries.items() if not stat.S_ISREG(status.st_mode)):
        what = f"The bundle contains something that is neither a file nor a folder: {_listed(odd)}."
        raise WorkbookError(
            what, "A link may lead to any file, and a pipe may never end.", f"Remove it. Or: {COPY_AGAIN}"
        )
    found = {name: status.st_size for name, status in entries.items()}
    if missing := [name for name in files if name not in found]:
        what = f"The bundle is incomplete: {_listed(missing)} missing."
        raise WorkbookError(what, "Its manifest lists them.", COPY_AGAIN)
    if wrong := [name for name in files if found[name] != files[name]["size"]]:
        first = wrong[0]
        evidence = f"{first} has {found[first]} bytes; the manifest says {files[first]['size']}."
        raise _damaged(_listed(wrong), evidence)
    if unknown := sorted(found.keys() - files.keys() - {NAME, SUM}):
        raise WorkbookError(
            f"The bundle contains files that its manifest does not list: {_listed(unknown)}.",
            "Packages are installed from that folder, so unknown files are refused.",
            f"Remove them. Or: {COPY_AGAIN}",
        )


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield everything in the folder except folders, as (path in the bundle, status). It does not follow links."""
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if re.fullmatch(SYSTEM_FILES, entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry))
                else:
                    yield Path(entry).relative_to(folder).as_posix(), entry.stat(follow_symlinks=False)


def _newest_libc(files: Iterable[str]) -> str:
    """The glibc version that all wheels of the bundle work with, such as 2_17; empty when no wheel needs glibc.

    Documentation: https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/#manylinux
    """
    tags = (re.findall(r"manylinux_(\d+_\d+)", name) for name in files)
    return max((min(versions, key=_numbers) for versions in tags if versions), key=_numbers, default="")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


def _damaged(what: str, evidence: str) -> WorkbookError:
    return WorkbookError(f"The bundle is damaged: {what}.", evidence, COPY_AGAIN)


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(ascii(name)[1:-1] for name in names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
