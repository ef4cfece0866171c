"""Is this machine able to run the workbook? A table of what is needed, what there is, and the fix."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workbook import cluster
from workbook.cluster import CPUS, MEMORY_MB
from workbook.errors import WorkbookError
from workbook.paths import HOME

DISK_GB = 10


@dataclass(frozen=True)
class Finding:
    """One line of the preflight table."""

    check: str
    good: bool
    needed: str
    found: str
    fix: str


def preflight() -> pd.DataFrame:
    """Looks at everything the workbook needs from this machine.

    Returns:
        One row per check; the index names it, the columns are OK (✓ or ✗), NEEDED, FOUND, and FIX, which is empty
        where nothing is to be done.
    """
    findings = list(_findings())
    return pd.DataFrame(
        [["✓" if one.good else "✗", one.needed, one.found, "" if one.good else one.fix] for one in findings],
        index=[one.check for one in findings],
        columns=["OK", "NEEDED", "FOUND", "FIX"],
    ).rename_axis(index=None, columns="CHECK")


def require(checks: tuple[str, ...] = ("CPUs", "memory", "disk")) -> None:
    """Refuses to go on where the machine is too small for a cluster, before anything is started.

    Raises:
        WorkbookError: names what is short, and what to do.
    """
    for finding in _findings(checks):
        if not finding.good:
            raise WorkbookError(
                f"Too little for a cluster: {finding.check}.",
                f"Needed: {finding.needed}; found: {finding.found}.",
                finding.fix,
            )


def _findings(only: tuple[str, ...] = ()) -> Iterator[Finding]:
    engine_info: dict = {}

    def engine() -> Finding:
        from workbook.engine import ensure_engine

        engine_info.update(ensure_engine().info())
        return Finding("Docker engine", True, "running", f"running, {engine_info['ServerVersion']}", "")

    def cpus() -> Finding:
        there = engine_info.get("NCPU") or os.cpu_count() or 0
        return Finding(
            "CPUs",
            there >= CPUS,
            f"at least {CPUS}",
            str(there),
            "Give Docker more processors: in Docker Desktop under Settings, Resources.",
        )

    def memory() -> Finding:
        there = engine_info.get("MemTotal", 0) // 2**20
        # Machines sold with 4 GB show a little less.
        return Finding(
            "memory",
            there >= MEMORY_MB * 0.9,
            f"at least {MEMORY_MB // 1024} GB",
            f"{there / 1024:.1f} GB",
            "Give Docker more memory: in Docker Desktop under Settings, Resources.",
        )

    def disk() -> Finding:
        root = engine_info.get("DockerRootDir", "")
        place = root if Path(root).is_dir() else _existing_parent()
        free = shutil.disk_usage(place).free / 1e9
        return Finding(
            "disk",
            free >= DISK_GB,
            f"at least {DISK_GB} GB free",
            f"{free:.0f} GB free",
            "Make room: `docker system df` tells what Docker holds, `make clean` removes the workbook's part.",
        )

    def python() -> Finding:
        return Finding(
            "Python",
            sys.version_info >= (3, 11),
            "3.11 or newer",
            sys.version.split()[0],
            "Install a newer Python, or use conda with environment.yml.",
        )

    def provider() -> Finding:
        chosen, why = cluster.choose()
        return Finding("cluster provider", True, " or ".join(cluster.PROVIDERS), f"{chosen}: {why}", "")

    def running() -> Finding:
        state = cluster.current().status()
        return Finding("cluster", state == "Running", "Running", state, "Run `start()`, or `make up` in a terminal.")

    def kubectl() -> Finding:
        from workbook.kubectl import client_minor, server_minor

        ours = cluster.current()
        words = ours.kubectl()
        server, client = server_minor(ours), client_minor(*words)
        return Finding(
            "kubectl",
            abs(server - client) <= 1,
            "within one minor version of the cluster",
            f"1.{client}, cluster 1.{server}",
            "Install a newer one: https://kubernetes.io/docs/tasks/tools/",
        )

    checks: dict[str, Callable[[], Finding]] = {
        "Python": python,
        "Docker engine": engine,
        "CPUs": cpus,
        "memory": memory,
        "disk": disk,
        "cluster provider": provider,
        "cluster": running,
        "kubectl": kubectl,
    }
    for name, look in checks.items():
        if only and name not in (*only, "Docker engine"):
            continue
        try:
            yield look()
        except WorkbookError as error:
            yield Finding(name, False, "working", error.what, error.fix)


def _existing_parent() -> str:
    """The folder that will hold the workbook's files, or the nearest one above it that exists."""
    return str(next(path for path in (HOME, *HOME.parents) if path.is_dir()))
