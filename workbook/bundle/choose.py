"""Which bundle is used, if any."""

import os
from functools import cache
from pathlib import Path

from workbook.bundle import manifest, verify
from workbook.bundle.use import Bundle

CHOSEN = "WORKBOOK_BUNDLE"
"""The variable that names the bundle's folder. Kernels and pytest inherit it from the command line."""
VERIFIED = "WORKBOOK_BUNDLE_VERIFIED"
"""The sum of the manifest whose files a parent process has verified."""


def chosen() -> Bundle | None:
    """The bundle that `WORKBOOK_BUNDLE` names, verified once in each command; None when the variable is not set.

    Raises:
        WorkbookError: it is damaged, or made for another machine or workbook; see `verify`.
    """
    if not (path := os.environ.get(CHOSEN)):
        return None
    folder = Path(path).expanduser().resolve()
    return _open(folder, verify.seal(folder), os.environ.get(VERIFIED, ""))


def environment(bundle: Bundle | None) -> dict[str, str]:
    """The variables that tell child processes of a command which bundle to use, and that it is verified."""
    return {CHOSEN: str(bundle.folder), VERIFIED: verify.seal(bundle.folder)} if bundle else {}


@cache
def _open(folder: Path, seal: str, verified: str) -> Bundle:
    return Bundle(folder, manifest.read(folder) if seal == verified else verify.verify(folder))
