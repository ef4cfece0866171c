"""Checks of the machine itself. They need only the standard library: the doctor runs before any package is installed."""

import os
import shutil
import socket
import sys
import tempfile
import time
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from workbook import OLDEST
from workbook.base.lock import holder
from workbook.base.paths import clusters, home
from workbook.cluster.choose import Provider, Settings, choose
from workbook.cluster.current import current
from workbook.cluster.protocol import CPUS, MEMORY_MB
from workbook.machine import environment, journal
from workbook.machine.findings import Facts, Finding

DISK_GB = 10
CLOCK_SECONDS = 60  # the largest difference between the engine's clock and this machine's
MORE = "notebooks/SETUP.md shows how, under “Give the cluster more CPUs or memory”."
PORTS = {5000: "the web application", 8080: "the frontend", 8888: "JupyterLab"}


def python(facts: Facts) -> Finding:
    """Whether this Python is new enough."""
    facts.versions["Python"] = version = sys.version.split()[0]
    fix = "Install a newer Python, or use conda with environment.yml."
    return Finding(sys.version_info >= OLDEST, f"{OLDEST[0]}.{OLDEST[1]} or newer", version, fix)


def packages(facts: Facts) -> Finding:
    """Whether the Python packages are installed, in the active environment or in the workbook's own."""
    needed = "those in pyproject.toml"
    if interpreter := environment.found():
        return Finding(True, needed, f"complete, for {interpreter}")
    facts.missing.append("Python packages")
    # Debian and Ubuntu ship ensurepip in python3-venv.
    run = "Run" if find_spec("ensurepip") else "Install `python3-venv`, then run"
    why = environment.broken()
    state = f"{environment.VENV} no longer works: {why}" if why else "not all are installed"
    return Finding(False, needed, state, f"{run} `make up`, which installs them.")


def cpus(facts: Facts) -> Finding:
    """Whether the Docker engine (or this machine, without an engine) has enough CPUs."""
    count = facts.info.get("NCPU") or os.cpu_count() or 0
    return Finding(count >= CPUS, f"at least {CPUS}", str(count), f"Give Docker more CPUs: {MORE}")


def memory(facts: Facts) -> Finding:
    """Whether the Docker engine (or this machine, without an engine) has enough memory."""
    megabytes = (facts.info.get("MemTotal") or _physical_memory()) // 2**20
    if not megabytes:
        return Finding(None, f"at least {MEMORY_MB // 1024} GB", "unknown without a Docker engine")
    enough = megabytes >= MEMORY_MB * 0.9  # machines sold with 4 GB report a little less
    return Finding(
        enough, f"at least {MEMORY_MB // 1024} GB", f"{megabytes / 1024:.1f} GB", f"Give Docker more memory: {MORE}"
    )


def disk(facts: Facts) -> Finding:
    """Whether the disk with the engine's files (or the workbook's files, without an engine) has enough space."""
    places = filter(None, (facts.info.get("DockerRootDir"), home(), *home().parents))
    place = next(path for path in map(Path, places) if path.is_dir())
    free = shutil.disk_usage(place).free / 1e9
    fix = "Free some space: `docker system df` shows what Docker uses; `make clean` removes the workbook's part."
    return Finding(free >= DISK_GB, f"at least {DISK_GB} GB free", f"{free:.0f} GB free", fix)


def rights(facts: Facts) -> Finding | None:
    """Whether a Docker engine with restricted rights (rootless, or installed from a snap) can run a cluster's node.

    Documentation: https://kind.sigs.k8s.io/docs/user/rootless/,
    https://kind.sigs.k8s.io/docs/user/known-issues/#docker-installed-with-snap
    """
    needed, provider = "those that a cluster's node needs", choose()[0]
    if provider is Provider.EXISTING:
        return None
    if "name=rootless" in (facts.info.get("SecurityOptions") or []):
        limits = {"MemoryLimit": "memory", "PidsLimit": "processes", "CPUShares": "CPU"}
        lacking = [word for key, word in limits.items() if not facts.info.get(key)]
        more = "See https://kind.sigs.k8s.io/docs/user/rootless/."
        if facts.info.get("CgroupVersion") != "2":
            fix = (
                f"Start the system with cgroup v2: set the kernel parameter systemd.unified_cgroup_hierarchy=1. {more}"
            )
            return Finding(False, needed, "rootless, with cgroup v1", fix)
        if lacking:
            fix = f"Let systemd delegate the limits: `Delegate=yes` in /etc/systemd/system/user@.service.d/delegate.conf. {more}"
            return Finding(False, needed, f"rootless, without limits for {' and '.join(lacking)}", fix)
        return Finding(True, needed, "rootless")
    if "/snap/" in facts.info.get("DockerRootDir", ""):
        scratch, own = Path(tempfile.gettempdir()), Path.home()
        inside = scratch.relative_to(own).parts if scratch.is_relative_to(own) else (".",)
        visible = not "".join(inside[:1]).startswith(".")
        # With such a Docker, minikube writes its temporary files into the home.
        if provider is Provider.MINIKUBE or visible:
            return Finding(True, needed, "from a snap")
        fix = (
            "Set TMPDIR to a folder in your home whose name does not start with a dot: `mkdir ~/tmp; export TMPDIR=~/tmp`."
            " Or replace the snap: https://docs.docker.com/engine/install/."
        )
        return Finding(False, needed, f"from a snap, which cannot read {scratch}", fix)
    return None


def clock(facts: Facts) -> Finding | None:
    """Whether the engine's clock agrees with this machine's. A virtual machine's clock can be slow after a sleep."""
    if not (reported := facts.info.get("SystemTime")):
        return None
    seconds = abs(datetime.fromisoformat(reported).timestamp() - time.time())
    ok = seconds < CLOCK_SECONDS
    found = "they agree" if ok else f"they are {seconds:.0f} s apart"
    fix = "Restart Docker Desktop, or set the clock: certificates are only valid for a certain time."
    return Finding(ok, "the engine's and this machine's clocks agree", found, fix)


def set_up(facts: Facts) -> Finding | None:
    """Whether the set-up of the learner's own cluster is running."""
    found = facts.journal = journal.read(clusters() / Settings.from_environment().own)
    if found is None or not found.running:
        return None
    facts.setting_up, facts.changes = True, False
    return Finding(None, "complete", f"running: {found.progress}", "Wait for it, as `begin(…)` does.")


def last_set_up(facts: Facts) -> Finding | None:
    """Whether the last set-up has failed or was interrupted. If the cluster runs all the same, that does not matter."""
    found = facts.journal
    if found is None or found.running or found.complete or facts.running:
        return None
    if found.error:
        fix = f"{found.error.fix} `make up` in a terminal repeats the set-up.".strip()
        return Finding(False, "complete", f"failed: {found.error.what}", fix)
    return Finding(None, "complete", "interrupted", "`begin(…)` continues it, and so does `make up` in a terminal.")


def locks(facts: Facts) -> Finding:
    """Whether another process is changing something. A lock ends with its process, so no lock is stale."""
    files = [current().folder / "lock", *sorted(home().glob("*.lock")), *sorted(home().glob("node/*.lock"))]
    holders = "; ".join(filter(None, map(holder, files)))
    fix = "Wait for that process, or end it: the next run continues its work."
    return Finding(None if holders else True, "no other is running", holders or "none is running", fix)


def ports(facts: Facts) -> Finding:
    """Whether the workbook's preferred ports are free."""
    taken = [f"{port} ({purpose})" for port, purpose in PORTS.items() if is_taken(port)]
    found = f"in use: {', '.join(taken)}" if taken else "all free"
    fix = "Nothing: the workbook uses a free port instead, and prints it."
    return Finding(None if taken else True, f"{', '.join(map(str, PORTS))} free", found, fix)


def is_taken(port: int) -> bool:
    """Whether another process uses this port on this machine's loopback interface."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
        return False
    except OSError:
        return True


def _physical_memory() -> int:
    """This machine's memory in bytes; 0 if the system does not report it."""
    if sys.platform == "win32":
        return 0
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0
