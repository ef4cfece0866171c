"""The journal of a set-up: its steps, their times and its end, for the processes that wait for it and for later ones.

It is a file with an object of JSON in each line, in the cluster's folder. The process that writes it holds a lock, which
the system releases when the process ends. So if a journal has no end and the lock is free, the set-up was interrupted.
This module uses only the standard library.
"""

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbook.base import durations
from workbook.base.errors import WorkbookError
from workbook.base.lock import holder
from workbook.base.log import LOG


@dataclass
class Journal:
    """What the journal of a set-up says at this moment."""

    running: bool
    complete: bool = False
    error: WorkbookError | None = None  # the reason why it failed
    steps: dict[str, tuple[float, float | None]] = field(default_factory=dict)
    """The steps that have begun and not ended: title → when, and how many seconds are expected."""
    seconds: dict[str, float] = field(default_factory=dict)
    """The steps that have ended well, and how long they took."""

    @property
    def progress(self) -> str:
        """The step that will take longest, and its seconds: `Compile etcd v3.6.10: 8 s of about 60 s`."""
        if not self.steps:
            return "between two steps" if self.seconds else "it begins"
        title, (begun, expected) = max(self.steps.items(), key=lambda item: item[1][1] or 0)
        return f"{title}: {durations.shown(max(0, time.time() - begun), expected)}"


def read(folder: Path) -> Journal | None:
    """Return what the journal in a cluster's folder says; None if there was no set-up. It creates no file."""
    found = Journal(running(folder))
    try:
        lines = _file(folder).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return found if found.running else None
    for line in lines:
        with suppress(ValueError):  # a line that is being written
            _add(found, json.loads(line))
    return found


def running(folder: Path) -> bool:
    """Whether a set-up of the cluster with this folder is running."""
    return bool(holder(lock_file(folder)))


def lock_file(folder: Path) -> Path:
    """Return the file that a process locks while it sets up the cluster with this folder."""
    return folder / "set-up.lock"


@contextmanager
def recorded(folder: Path) -> Iterator[None]:
    """Write the steps in the block, and the block's end, to the journal. The caller holds the lock.

    After a block without an error, the durations of the steps are those to expect from now on.
    """
    handler = logging.FileHandler(_file(folder), mode="w", encoding="utf-8")
    handler.addFilter(lambda record: hasattr(record, "entry"))
    handler.setFormatter(_Line())
    LOG.addHandler(handler)
    try:
        _note("begin: set-up", pid=os.getpid())
        yield
        _note("✓ set-up", complete=True)
        if found := read(folder):
            durations.remember(found.seconds)
    except Exception as error:
        if not isinstance(error, WorkbookError):
            error = WorkbookError(f"The set-up failed: {type(error).__name__}: {error}", fix="Run `make up`.")
        _note("✗ set-up", error=[error.what, error.why, error.fix])
        raise
    finally:
        LOG.removeHandler(handler)
        handler.close()


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"at": record.created, **record.__dict__["entry"]})


def _note(message: str, **entry: Any) -> None:
    LOG.debug(message, extra={"entry": entry})


def _add(journal: Journal, entry: dict[str, Any]) -> None:
    """Add a line of the file to what is known."""
    if "begun" in entry:
        journal.steps[entry["begun"]] = (entry["at"], entry["expected"])
    elif "ended" in entry:
        journal.steps.pop(entry["ended"], None)
        if entry["ok"]:
            journal.seconds[entry["ended"]] = entry["seconds"]
    elif "error" in entry:
        journal.error = WorkbookError(*entry["error"])
    elif "complete" in entry:
        journal.complete = True


def _file(folder: Path) -> Path:
    return folder / "set-up.jsonl"
