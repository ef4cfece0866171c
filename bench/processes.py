"""Programs as a reader starts them, and the seconds that they take."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import node
from workbook.base.paths import ROOT
from workbook.cluster.current import current
from workbook.machine.environment import VENV

BARE = Path(getattr(sys, "_base_executable", sys.executable))
"""The Python of this machine, without the packages of a virtual environment."""
BASE = BARE if Path(sys.prefix) == VENV else Path(sys.executable)
"""The Python that `make` calls; the workbook itself then continues with the one in `.venv`."""
TIMEOUT = 1800
"""Seconds after which a program is ended."""


def timed(*command: str | Path, env: Mapping[str, str] | None = None) -> float:
    """Run a program in the repository without showing its output; return the seconds it took.

    Args:
        command: the program and its arguments.
        env: variables added to the environment.

    Raises:
        RuntimeError: the program failed; shows the end of its output.
    """
    begun = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **(env or {})},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT,
    )
    took = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout.decode(errors='replace')[-3000:]}")
    return took


def python(program: str) -> str:
    """Run a Python program in a process of its own; return its output.

    Raises:
        CalledProcessError: the program failed; its error is printed.
    """
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True
    ).stdout


def shell_env() -> dict[str, str]:
    """The variables of a shell in which kubectl and kind are on PATH and use the workbook's cluster."""
    cluster = current()
    folders = [str(Path(cluster.kubectl()[0]).parent), str(node.kind().parent), os.environ["PATH"]]
    return {
        "KUBECONFIG": str(cluster.kubeconfig),
        "PATH": os.pathsep.join(folders),
        "NAME": cluster.name,
        "PYTHON": sys.executable,
    }
