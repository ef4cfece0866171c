"""Choose the bundle to use, if any."""

import os
import re
from functools import cache
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.bundle.manifest import NAME
from workbook.bundle.read import COPY_AGAIN, parse, text
from workbook.bundle.use import Bundle
from workbook.bundle.verify import seal, verify

CHOSEN = "WORKBOOK_BUNDLE"
"""The variable with the bundle's folder. Kernels and pytest inherit it from the command line."""
VERIFIED = "WORKBOOK_BUNDLE_VERIFIED"
"""The checksum of the manifest whose bundle a command has verified. The processes that it starts accept no other."""


def chosen() -> Bundle | None:
    """Return the bundle that the environment names; None if it names none.

    A command verifies the bundle for the processes that it starts: they only read its manifest again.
    Errors are those of `named`.
    """
    return named(None, verified=os.environ.get(VERIFIED, ""))


def named(path: str | None, sum: str | None = None, verified: str = "") -> Bundle | None:
    """Return the bundle that the command line names, or otherwise the environment; None if neither names one.

    Args:
        path: its folder, as typed; None if none was typed.
        sum: the checksum that its manifest must have, in 64 hexadecimal digits; any if None.
        verified: the checksum of a manifest whose files a parent process has already read.

    Raises:
        WorkbookError: it has another sum, is damaged, or was made for another machine or workbook; see `verify`.
    """
    if sum is not None and not re.fullmatch(r"[0-9A-Fa-f]{64}", sum):
        why = f"The sum is {sum[:80]!a}, but a sha256 has 64 hexadecimal digits."
        raise WorkbookError("The bundle's sum is not a sha256.", why, "Use the sum that `make bundle` printed.")
    inherited = None
    if path is None and (path := os.environ.get(CHOSEN) or None):
        inherited = os.environ.get(VERIFIED) or None
    if path is None:
        if sum is not None:
            raise WorkbookError("A sum is given, but no bundle.", fix="Name the bundle, too: `make … BUNDLE=… SUM=…`.")
        return None
    folder = Path(path).expanduser().resolve()
    content = text(folder)
    found = seal(content)
    if sum is not None and found != sum.lower():
        why = f"The sha256 of its {NAME} is {found}, but the given sum is {sum.lower()}."
        fix = f"Do not use it: it is damaged, or a person has changed it. {COPY_AGAIN}"
        raise WorkbookError("The bundle does not match the sum.", why, fix)
    if inherited not in (None, found):
        why = f"The sha256 of its {NAME} is {found}. It was {ascii(inherited)[1:-1]} when a command verified it."
        raise WorkbookError("The bundle has changed.", why, "Start again in a new terminal: `make lab BUNDLE=… SUM=…`.")
    return _open(folder, content, verified)


def environment(bundle: Bundle | None) -> dict[str, str]:
    """Return the variables that pass a verified bundle on to the child processes of a command."""
    return {CHOSEN: str(bundle.folder), VERIFIED: bundle.seal} if bundle else {}


@cache
def _open(folder: Path, content: bytes, verified: str) -> Bundle:
    manifest = parse(content) if seal(content) == verified else verify(folder, content)
    return Bundle(folder, manifest, seal(content))
