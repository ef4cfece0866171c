"""A browser without a window, driven by Playwright: prints the handout, and tests what a reader sees."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from workbook.base import apt as packages
from workbook.base.errors import WorkbookError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
CHANNELS = ("chrome", "msedge")
"""Where Playwright itself finds a browser, on macOS and Windows."""
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
SCATTERED = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
"""The variables that name the places where a browser leaves files."""
FIX = "Install Chromium, Chrome or Edge; or `playwright install chromium`."


def executable() -> Path | None:
    """A browser's program on PATH; for root on Debian it is installed where there is none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not found and packages.installable():
        packages.refresh(FIX)
        packages.install(["chromium", "fonts-dejavu"], FIX)
        found = shutil.which("chromium")
    return Path(found) if found else None


@contextmanager
def browser() -> Iterator["Browser"]:
    """Chromium, Chrome or Edge, for the length of the block.

    Raises:
        WorkbookError: there is none, or Playwright is not installed.

    Documentation: https://playwright.dev/python/docs/api/class-browsertype#browser-type-launch
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ModuleNotFoundError:
        raise WorkbookError(
            "Playwright is not installed, which drives the browser.",
            fix="`make handout` and `make test` install it; or `pip install 'kubernetes-workbook[handout]'`.",
        ) from None
    program = executable()
    ways = [{"executable_path": program}] if program else [*({"channel": name} for name in CHANNELS), {}]
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch, sync_playwright() as playwright:
        environment = {**os.environ, **dict.fromkeys(SCATTERED, scratch)}
        for way in ways:
            try:
                # The sandbox needs rights that containers and root do not have; what is opened is the workbook's own.
                started = playwright.chromium.launch(args=list(QUIET), chromium_sandbox=False, env=environment, **way)
                break
            except Error as error:
                problem = str(error).strip().splitlines()[0]
        else:
            raise WorkbookError("There is no browser that can be driven.", problem, FIX)
        try:
            yield started
        finally:
            started.close()
