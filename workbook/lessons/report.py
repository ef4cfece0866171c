"""What a notebook reports about its learner: the failed check, and the time of the last cell.

Both are stored in the ConfigMap of `progress`, where the learner and the instructor can read them. A background thread
writes them, so no cell waits for the API server. A failure to write only appears in the debug log, and is tried again.
"""

import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workbook.base.log import LOG
from workbook.cluster.current import api, own
from workbook.cluster.protocol import kubernetes_time
from workbook.lessons.progress import CONFIG_MAP

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

ATTRIBUTE = "workbook_reporter"
"""The attribute of IPython's shell that holds the reporter."""
FAILED_CHECK, FAILED_SINCE, LAST_CELL = "failed-check", "failed-since", "last-cell"
"""The keys in the ConfigMap: the text of the failed check, the time of its first failure, and the time of the last cell."""
LONGEST = 200
"""Characters of a check's text that are stored."""
PAUSE, GAP = 5, 0.3
"""Seconds between two writes: when only the time of the last cell has changed or a write has failed, and after other changes."""

Changes = dict[str, str | None]
"""New values of keys. None deletes a key."""


class Reporter:
    """Collects the changes in one kernel, and writes them in a background thread, which ends with it or with the process."""

    def __init__(self) -> None:
        self._changes: Changes = {}
        self._failed: str | None = None  # the text that was reported last; None before the first report
        self._urgent = self._closed = False
        self._changed = threading.Condition()
        self._writer = threading.Thread(target=self._write, name="workbook-report", daemon=True)
        self._writer.start()

    def check(self, failed: str) -> None:
        """Report the check that fails, or with an empty text that none does. The time of its first failure stays."""
        text = failed[:LONGEST]
        if text != self._failed:
            self._failed = text
            since = kubernetes_time(datetime.now(UTC)) if text else None
            self._put({FAILED_CHECK: text or None, FAILED_SINCE: since}, urgent=True)

    def cell_ended(self, *_: object) -> None:
        """Report that a cell has ended now: https://ipython.readthedocs.io/en/stable/config/callbacks.html."""
        self._put({LAST_CELL: kubernetes_time(datetime.now(UTC))})

    def close(self) -> None:
        """Write nothing any more. A write that has begun is waited for; what has not been written is dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._writer.join()

    def _put(self, changes: Changes, *, urgent: bool = False) -> None:
        with self._changed:
            self._changes |= changes
            self._urgent |= urgent
            self._changed.notify()

    def _write(self) -> None:
        due = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._changes or self._closed)
                self._changed.wait_for(lambda: self._urgent or self._closed, timeout=max(0, due - time.monotonic()))
                if self._closed:
                    return
                changes, self._changes, self._urgent = self._changes, {}, False
            if not store(changes):
                with self._changed:
                    self._changes = changes | self._changes  # newer ones win
            due = time.monotonic() + PAUSE
            time.sleep(GAP)


def attach(shell: "InteractiveShell") -> None:
    """Report from this shell from now on, each time that a cell has run or a check has failed.

    Args:
        shell: the kernel's or the terminal's IPython.
    """
    if not hasattr(shell, ATTRIBUTE):
        reporter = Reporter()
        setattr(shell, ATTRIBUTE, reporter)
        shell.events.register("post_run_cell", reporter.cell_ended)


def detach(shell: "InteractiveShell") -> None:
    """Report from this shell no longer.

    Args:
        shell: the shell that `attach` was called for. Nothing happens if it was not.
    """
    if reporter := getattr(shell, ATTRIBUTE, None):
        shell.events.unregister("post_run_cell", reporter.cell_ended)
        delattr(shell, ATTRIBUTE)
        reporter.close()


def failed(claim: str) -> None:
    """Report a failed check. It does nothing outside of a notebook.

    Args:
        claim: the check's text.
    """
    if reporter := _reporter():
        reporter.check(claim)


def passed() -> None:
    """Report that a check has passed, so that none fails at the moment. It does nothing outside of a notebook."""
    failed("")


def _reporter() -> Reporter | None:
    """The reporter of the IPython in which this runs. Outside of IPython, which loads slowly, there is none."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, ATTRIBUTE, None)


def store(changes: Changes) -> bool:
    """Write changes to the ConfigMap, which `begin` has created. A failure is only logged.

    Args:
        changes: new values of its keys.

    Returns:
        Whether they were written.

    Documentation: https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/config-map-v1/
    """
    try:
        cluster = api(own())
        cluster.request("PATCH", cluster.path("configmaps", name=CONFIG_MAP), body={"data": changes}, timeout=5)
    except Exception as error:  # whatever it is, learners have not asked for this, and can't do anything about it
        LOG.debug("The report was not written: %s", error)
        return False
    return True
