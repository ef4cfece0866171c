"""Processes of their own: Python as a kernel or a terminal would start it, pytest, and what is left of them."""

import os
import subprocess
import sys
import time

from workbook.base.paths import ROOT


def python(*arguments, cwd=ROOT, timeout=900, **env):
    """Runs Python with these arguments in the repository; returns the completed process, with what it printed as text."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def pytest(*arguments, **options):
    """Runs pytest, the notebooks among its arguments as tests, in a process of its own; ends at the first failure."""
    return python("-m", "pytest", "--nbval", "-x", "-q", "-p", "no:cacheprovider", *arguments, **options)


def orphans(pid, patience=10):
    """Processes of the session of a process that is gone, after `patience` seconds to notice."""
    deadline = time.monotonic() + patience
    while True:
        listing = subprocess.run(["ps", "-eo", "pid=,sid=,stat=,args="], capture_output=True, text=True).stdout
        rows = [line.split(None, 3) for line in listing.splitlines()]
        left = [row for row in rows if row[1] == str(pid) and row[0] != str(pid) and not row[2].startswith("Z")]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.2)
