"""A lock between processes, which is released when the process that holds it ends, even if it is killed."""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.polling import poll

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

TAKEN = {errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}
"""Error numbers for a file that another process has locked."""


class Busy(WorkbookError):
    """Another process holds the lock."""


@contextmanager
def lock(path: Path, doing: str, patience: float = 0) -> Iterator[None]:
    """Hold the lock file `path` during the block.

    Args:
        path: the lock file; its folder is created. The file remains; only the lock on it counts.
        doing: the holder's action, for the error in other processes.
        patience: seconds to wait for another holder before giving up.

    Raises:
        Busy: another process holds the lock; names it and its action.
        WorkbookError: the file system has no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        try:
            poll(lambda: _acquired(file.fileno()), timeout=patience)
        except TimeoutError:
            raise Busy(
                f"The workbook is busy: {_described(path)}.",
                "Two processes would change the same cluster at the same time.",
                "Wait until it has finished, then run this again.",
            ) from None
        _note(path).write_text(
            f"process {os.getpid()} has been running `{doing}` since {time.strftime('%H:%M:%S')}", encoding="utf-8"
        )
        yield


def holder(path: Path) -> str:
    """Describe the process that holds the lock file `path`; empty if none does. It creates no file."""
    if not path.exists():
        return ""
    with path.open("a", encoding="utf-8") as file:
        return "" if _acquired(file.fileno()) else _described(path)


def _acquired(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise WorkbookError(
            "The workbook cannot lock files in its folder.",
            f"The file system reports: {error.strerror}.",
            "Set WORKBOOK_HOME to a folder on a local disk: network drives may have no locks.",
        ) from error
    return True


def _note(path: Path) -> Path:
    return path.with_suffix(".holder")  # a separate file: on Windows, other processes cannot read a locked file


def _described(path: Path) -> str:
    return _note(path).read_text(encoding="utf-8") if _note(path).exists() else "another process"
