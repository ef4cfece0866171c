"""One at a time: a lock between processes that ends with the process that holds it, however that ends."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbook.base.errors import WorkbookError

if os.name == "nt":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def lock(path: Path, doing: str, patience: float = 0) -> Iterator[None]:
    """Holds the lock file `path` during the block.

    Args:
        path: the lock file; its folder is made. The file stays, only the lock on it counts.
        doing: what the holder does, told to whoever finds the lock taken.
        patience: seconds to wait for another holder before giving up.

    Raises:
        WorkbookError: another process holds it; names that process and what it does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                _take(descriptor)
                break
            except OSError:
                if time.monotonic() >= deadline:
                    raise WorkbookError(
                        f"The workbook is busy: {_told(path)}.",
                        "Two at once would work on the same cluster.",
                        "Wait until it has finished, then run this again.",
                    ) from None
                time.sleep(0.2)  # there is no event for another process's lock
        _note(path).write_text(f"process {os.getpid()} has been running `{doing}` since {time.strftime('%H:%M:%S')}")
        yield
    finally:
        os.close(descriptor)


def holder(path: Path) -> str:
    """Who holds the lock file `path`, and what for, in words; empty when nobody does. Makes no file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return ""
    try:
        _take(descriptor)
        return ""
    except OSError:
        return _told(path)
    finally:
        os.close(descriptor)


def _note(path: Path) -> Path:
    return path.with_suffix(".holder")  # a file of its own: Windows lets nobody read a locked one


def _told(path: Path) -> str:
    return _note(path).read_text() if _note(path).exists() else "another process"
