"""A temporary folder for programs that may still write into it while they end."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbook.base.polling import poll

PATIENCE = 10
"""Seconds in which the removal of a folder is tried again."""


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a new folder, and remove it after the block.

    A browser and a JupyterLab have processes that end a moment later than they do. A file that such a process writes
    meanwhile, or keeps open on Windows, makes the removal fail, so it is tried again for some seconds.
    """
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        with suppress(TimeoutError):
            poll(lambda: _remove(folder), timeout=PATIENCE)


def _remove(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
