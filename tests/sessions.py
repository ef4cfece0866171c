"""Python and pytest in processes of their own, a copy of the repository for them, what they listen at, and which processes they leave behind."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil

from workbook.base.paths import ROOT
from workbook.base.polling import poll

MADE = (".git", ".venv", "build", "work", "__pycache__", ".*_cache", "*.egg-info", ".ipynb_checkpoints")
"""What is in a developer's folder, but not in the repository."""


def copy_repository(to: Path) -> Path:
    """Copy the repository as it is now, without what was made in it, to a folder that does not exist yet; return the folder."""
    return shutil.copytree(ROOT, to, ignore=shutil.ignore_patterns(*MADE))


def python(
    *arguments: str | Path, cwd: Path = ROOT, timeout: float = 900, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments, as a kernel or a terminal would start it; return it with what it printed.

    Args:
        arguments: as on the command line.
        cwd: the folder it runs in; the repository when not given.
        timeout: seconds.
        env: variables added to the environment.
    """
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
    )


def pytest(
    *arguments: str | Path, cwd: Path = ROOT, timeout: float = 900, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run pytest until the first failure, notebooks as tests; arguments as in `python`.

    To explain failed assertions, pytest would first rewrite all modules, which takes seconds. Local variables do that here.
    """
    options = ("--nbval", "-x", "-q", "-p", "no:cacheprovider", "--assert=plain", "--showlocals")
    return python("-m", "pytest", *options, *arguments, cwd=cwd, timeout=timeout, **env)


def orphans(session: int, timeout: float = 30) -> list[str]:
    """The command lines of the processes of a session whose leader has ended.

    Args:
        session: the process ID of the leader.
        timeout: seconds that they have to notice its end.
    """
    with contextlib.suppress(TimeoutError):
        poll(lambda: not members(session), timeout=timeout)
    return members(session)


def members(session: int) -> list[str]:
    """The command lines of the processes of a session, except its leader and zombies."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # it has ended meanwhile
            in_session = process.pid != session and os.getsid(process.pid) == session
            if in_session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
    return found


def listening(pid: int, port: int) -> set[tuple[str, int]]:
    """The addresses with this port at which a process listens, or one that it has started."""
    process, found = psutil.Process(pid), set()
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            connections = each.net_connections("tcp")
            found |= {tuple(one.laddr) for one in connections if one.status == psutil.CONN_LISTEN}
    return {address for address in found if address[1] == port}
