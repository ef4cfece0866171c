"""Install the distribution's packages, on Debian and Ubuntu, for root.

Documentation: https://manpages.debian.org/apt-get.8
"""

import os
import shutil
import sys
from collections.abc import Sequence

from workbook.base.processes import read, run
from workbook.base.steps import step

ENV = {"DEBIAN_FRONTEND": "noninteractive"}


def installable() -> bool:
    """Whether this user can install the distribution's packages."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def available(package: str) -> bool:
    """Whether the current package lists contain this package."""
    return bool(read(["apt-cache", "madison", package]).strip())


def refresh(fix: str) -> None:
    """Update the package lists.

    Raises:
        CommandFailed: the lists could not be downloaded; the error has this `fix`.
    """
    with step("Update the package lists") as running:
        run(["apt-get", "update", "-q"], env=ENV, show=True, on_line=running.update, fix=fix)


def install(packages: Sequence[str], fix: str) -> None:
    """Install packages, by their names.

    Raises:
        CommandFailed: a package could not be installed; the error has this `fix`.
    """
    with step(f"Install {', '.join(packages)} from the distribution's packages") as running:
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
        run(command, env=ENV, show=True, on_line=running.update, timeout=900, fix=fix)
