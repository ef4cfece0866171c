"""Adapt the commands in messages to this system, which may have no make, sudo or systemd."""

import os
import re
import shutil
import sys
from pathlib import Path

WINDOWS = sys.platform == "win32"
SYSTEMD = Path("/run/systemd/system")
"""The folder that exists while systemd runs the system: https://manpages.debian.org/sd_booted.3."""


def for_this_system(text: str) -> str:
    """Replace the commands in backquotes that this system does not have.

    Args:
        text: a text with commands for a system that has everything: `make up`, `sudo systemctl start docker`.

    Returns:
        The text with equivalent commands, such as `py -m workbook up` on Windows.
    """
    text = re.sub(r"`make ([a-z][^`]*)`", _make, text)
    return text if WINDOWS else re.sub(r"`sudo ([^`]+)`", _sudo, text)


def workbook() -> str:
    """Return the workbook's command without make: `python3 -m workbook`, or its equivalent on this system."""
    names = ["py", "python"] if WINDOWS else ["python3", "python"]
    if "CONDA_PREFIX" in os.environ:
        names = ["python"]  # `py` ignores conda's environment
    return f"{next(filter(shutil.which, names), names[0])} -m workbook"


def _make(command: re.Match[str]) -> str:
    if shutil.which("make") and not WINDOWS:  # on Windows, the Makefile's `python3` is not Python
        return command[0]
    arguments = re.sub(r'\b(?:ARGS|LEARNERS)=(?:"([^"]*)"|(\S*))', r"\1\2", command[1])
    options = re.sub(r"\b([A-Z]+)=", lambda variable: f"--{variable[1].lower()}=", arguments)
    return f"`{workbook()} {options}`"


def _sudo(command: re.Match[str]) -> str:
    words = command[1]
    if (service := re.fullmatch(r"systemctl (\w+) (\w+)", words)) and not SYSTEMD.is_dir():
        action, name = service.groups()
        manager = next(filter(shutil.which, ("service", "rc-service")), None)
        words = f"{manager} {name} {action}" if manager else "dockerd"
    if sys.platform != "win32" and os.geteuid() == 0:
        return f"`{words}`"
    if shutil.which("sudo"):
        return f"`sudo {words}`"
    login = "" if words.startswith("make ") else "- "  # a login shell finds root's programs, but changes the folder
    return f'`su {login}-c "{words}"`'
