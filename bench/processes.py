"""Programs as a reader would start them, timed from outside."""

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

BASE = Path(getattr(sys, "_base_executable", sys.executable)) if Path(sys.prefix) == VENV else Path(sys.executable)
"""The Python that `make` calls: not the one of `.venv`, which the workbook itself goes on in."""

BOUND = 1800
"""Seconds after which something hangs."""


def timed(*command: str | Path, env: Mapping[str, str] | None = None) -> float:
    """Runs a program in the repository to its end, unseen; returns its seconds.

    Raises:
        RuntimeError: it failed; with the end of what it printed.
    """
    begun = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **(env or {})},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=BOUND,
    )
    took = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout.decode(errors='replace')[-3000:]}")
    return took


def python(program: str) -> str:
    """Runs a Python program in a process of its own; returns what it printed.

    Raises:
        CalledProcessError: it failed; its error is printed.
    """
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def shell_env() -> dict[str, str]:
    """What a person would have set in a shell to use the workbook's cluster: KUBECONFIG, and kubectl and kind on PATH."""
    ours = current()
    folders = [str(Path(ours.kubectl()[0]).parent), str(node.kind().parent), os.environ["PATH"]]
    return {
        "KUBECONFIG": str(ours.kubeconfig),
        "PATH": os.pathsep.join(folders),
        "NAME": ours.name,
        "PYTHON": sys.executable,
    }
