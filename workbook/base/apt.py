"""Packages of the distribution, where this is root on Debian or Ubuntu."""

import os
import platform
import shutil
from collections.abc import Iterable

from workbook.base.processes import run
from workbook.base.steps import step

ENV = {"DEBIAN_FRONTEND": "noninteractive"}


def installable() -> bool:
    """Whether packages of the distribution can be installed by this user."""
    return platform.system() == "Linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def available(package: str) -> bool:
    """Whether the distribution has this package; asks the lists as they are."""
    return bool(run(["apt-cache", "madison", package]).strip())


def refresh(fix: str) -> None:
    """Brings the lists of packages up to date.

    Raises:
        CommandFailed: they cannot be had; says `fix`.
    """
    with step("Bring the lists of packages up to date") as running:
        run(["apt-get", "update", "-q"], env=ENV, show=True, on_line=running.update, fix=fix)


def install(packages: Iterable[str], fix: str) -> None:
    """Installs packages.

    Raises:
        CommandFailed: one of them cannot be installed; says `fix`.

    Documentation: https://manpages.debian.org/apt-get.8
    """
    names = list(packages)
    with step(f"Install {', '.join(names)} from the distribution's packages") as running:
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *names]
        run(command, env=ENV, show=True, on_line=running.update, timeout=900, fix=fix)
