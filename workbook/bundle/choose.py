"""Which bundle is used, if any."""

import os
from functools import cache
from pathlib import Path

from workbook.bundle import manifest, verify
from workbook.bundle.use import Bundle

CHOSEN = "WORKBOOK_BUNDLE"
"""The variable with the bundle's folder. Kernels and pytest inherit it from the command line."""
VERIFIED = "WORKBOOK_BUNDLE_VERIFIED"
"""The checksum of a manifest whose bundle a parent process has verified."""


def chosen(path: str | None = None) -> Bundle | None:
    """Return the bundle to use, verified once per command; None when none is named.

    Args:
        path: its folder; the one that `WORKBOOK_BUNDLE` names when None.

    Raises:
        WorkbookError: it is damaged, or made for another machine or workbook; see `verify`.
    """
    if not (path := path or os.environ.get(CHOSEN)):
        return None
    folder = Path(path).expanduser().resolve()
    return _open(folder, verify.seal(folder), os.environ.get(VERIFIED, ""))


def environment(bundle: Bundle | None) -> dict[str, str]:
    """Return the variables that pass a verified bundle on to the child processes of a command."""
    return {CHOSEN: str(bundle.folder), VERIFIED: verify.seal(bundle.folder)} if bundle else {}


@cache
def _open(folder: Path, seal: str, verified: str) -> Bundle:
    return Bundle(folder, manifest.read(folder) if seal == verified else verify.verify(folder))
