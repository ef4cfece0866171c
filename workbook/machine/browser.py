"""A browser without a window, driven by Playwright, which prints the handout and tests what a reader sees."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from workbook.base import apt
from workbook.base.errors import WorkbookError
from workbook.base.scratch import scratch

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
CHANNELS = ("chrome", "msedge", None)  # the browsers that Playwright finds on macOS and Windows, and its own
FOLDERS = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")  # the folders in which a browser leaves files
FIX = f"Install Chromium, Chrome or Edge, or run `{sys.executable} -m playwright install chromium`."


def executable() -> Path | None:
    """Return the path of a browser on PATH, if any. Without one, root on Debian installs Chromium."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not found and apt.installable():
        apt.refresh(FIX)
        apt.install(["chromium", "fonts-dejavu"], FIX)
        found = shutil.which("chromium")
    return Path(found) if found else None


@contextmanager
def browser() -> Iterator["Browser"]:
    """Run Chromium, Chrome or Edge while the block runs.

    Raises:
        WorkbookError: no browser is installed, or Playwright is not.

    Documentation: https://playwright.dev/python/docs/api/class-browsertype#browser-type-launch
    """
    try:
        from playwright.sync_api import Error, sync_playwright  # an optional dependency
    except ModuleNotFoundError:
        raise WorkbookError(
            "Playwright, which drives the browser, is not installed.",
            fix="`make handout` and `make test` install it.",
        ) from None
    program = executable()
    problem = ""
    with scratch() as own, sync_playwright() as playwright:
        env: dict[str, str | float | bool] = {**os.environ, **dict.fromkeys(FOLDERS, str(own))}
        for channel in (None,) if program else CHANNELS:
            try:
                # As is Playwright's default, Chromium runs without its sandbox, which needs rights that containers lack.
                started = playwright.chromium.launch(executable_path=program, channel=channel, env=env)
                break
            except Error as error:
                problem = str(error).strip().splitlines()[0]
        else:
            raise WorkbookError("No browser can be started.", problem, FIX)
        with started:
            yield started
