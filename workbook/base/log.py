"""Debugging: with `WORKBOOK_DEBUG=1`, the logger "workbook" writes to stderr, and errors show their traceback."""

import logging
import os
import re
import sys
from collections.abc import Mapping

SECRET = re.compile("TOKEN|PASSWORD|SECRET|KEY", re.IGNORECASE)  # variables with these words are not logged


def debugging() -> bool:
    """Whether `WORKBOOK_DEBUG` is set, and not to 0."""
    return os.environ.get("WORKBOOK_DEBUG", "0") not in ("", "0")


def masked(env: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables for the log, with the values of secrets masked."""
    return {name: "***" if SECRET.search(name) else value for name, value in env.items()}


class _DebugHandler(logging.Handler):
    """Write to the current `sys.stderr`, which notebooks and tests replace, while `WORKBOOK_DEBUG` is set."""

    def emit(self, record: logging.LogRecord) -> None:
        if debugging():
            print(self.format(record), file=sys.stderr, flush=True)


LOG = logging.getLogger("workbook")
LOG.setLevel(logging.DEBUG)
LOG.propagate = False  # a reader's handler on the root logger does not show the workbook's commands
if not LOG.handlers:
    LOG.addHandler(_handler := _DebugHandler())
    _handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))
