"""Is this machine able to run the workbook? What is needed, what there is, and the fix.

Each check is a function from `Facts` to a `Finding`. They need only the standard library until they are called: what
a check itself then lacks is a finding, too.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbook import OLDEST
from workbook.base.errors import WorkbookError
from workbook.base.paths import home
from workbook.cluster.choose import Provider, choose
from workbook.cluster.current import current
from workbook.cluster.protocol import CPUS, MEMORY_MB
from workbook.machine import environment, supplies
from workbook.machine.findings import Facts, Finding

if TYPE_CHECKING:
    import pandas as pd
    from docker import DockerClient

DISK_GB = 10
UP = "Run `make up`."


def preflight() -> "pd.DataFrame":
    """Looks at everything a cluster needs from this machine; a Docker engine that can be had is installed and started.

    `make doctor` looks at more, and changes nothing.

    Returns:
        One row per check; the index names it, the columns are OK (✓, ✗, or · for a note), NEEDED, FOUND, and FIX, which
        is empty where nothing is to be done.
    """
    import pandas as pd

    found = list(findings(PREFLIGHT, Facts(changes=True)))
    return pd.DataFrame(
        [[one.sign, one.needed, one.found, one.fix] for one in found],
        index=[one.check for one in found],
        columns=["OK", "NEEDED", "FOUND", "FIX"],
    ).rename_axis(index=None, columns="CHECK")


def require(engine: "DockerClient") -> None:
    """Refuse a machine that is too small for a cluster, before a cluster is started.

    Args:
        engine: the machine's Docker engine.

    Raises:
        WorkbookError: names what is short, and what to do.
    """
    for finding in findings(SIZE, Facts(engine=engine)):
        if finding.good is False:
            raise WorkbookError(
                f"Too little for a cluster: {finding.check}.",
                f"Needed: {finding.needed}; found: {finding.found}.",
                finding.fix,
            )


def findings(
    names: Iterable[str], facts: Facts, within: Callable[[Callable[[], Finding | None]], Finding | None] | None = None
) -> Iterator[Finding]:
    """Looks at what `names` say, in that order.

    Args:
        names: keys of `CHECKS`.
        facts: filled by the checks.
        within: calls each check, and may give up on it with a `TimeoutError`.
    """
    for name in names:
        try:
            found = within(lambda check=CHECKS[name]: check(facts)) if within else CHECKS[name](facts)
        except WorkbookError as error:
            found = Finding(name, False, "working", error.what, error.fix)
        except ModuleNotFoundError as error:
            found = Finding(name, None, "", f"not looked at: the Python package {error.name} is missing", UP)
        except TimeoutError as error:
            found = Finding(name, False, "an answer", str(error), "Run this again; if it stays so, restart it.")
        if found:
            yield found


def python(facts: Facts) -> Finding:
    facts.versions["Python"] = found = sys.version.split()[0]
    return Finding(
        "Python",
        good := sys.version_info >= OLDEST,
        f"{OLDEST[0]}.{OLDEST[1]} or newer",
        found,
        "" if good else "Install a newer Python, or use conda with environment.yml.",
    )


def packages(facts: Facts) -> Finding:
    there = environment.found()
    if not there:
        facts.missing.append("Python packages")
    return Finding(
        "Python packages",
        there is not None,
        "those of pyproject.toml",
        f"complete, for {there}" if there else "not all are installed",
        "" if there else supplies.how_to_install_packages(),
    )


def engine(facts: Facts) -> Finding:
    from workbook.engine.find import ensure_engine, reach_engine

    if not facts.engine:
        facts.engine = ensure_engine() if facts.changes else reach_engine(supplies.PATIENCE)
    facts.info = facts.engine.info()
    facts.versions["Docker engine"] = version = facts.info["ServerVersion"]
    what = ", ".join(filter(None, [f"running, {version}", facts.info.get("OperatingSystem")]))
    if facts.info.get("OSType", "linux") != "linux":
        fix = "In Docker Desktop's menu: Switch to Linux containers."
        return Finding("Docker engine", False, "running, for Linux containers", what, fix)
    return Finding("Docker engine", True, "running", what)


def cpus(facts: Facts) -> Finding:
    there = facts.info.get("NCPU") or os.cpu_count() or 0
    fix = "" if there >= CPUS else "Give Docker more processors: in Docker Desktop under Settings, Resources."
    return Finding("CPUs", there >= CPUS, f"at least {CPUS}", str(there), fix)


def memory(facts: Facts) -> Finding:
    there = (facts.info.get("MemTotal") or supplies.memory()) // 2**20
    # Machines sold with 4 GB show a little less.
    good = there >= MEMORY_MB * 0.9
    fix = "" if good else "Give Docker more memory: in Docker Desktop under Settings, Resources."
    return Finding("memory", good, f"at least {MEMORY_MB // 1024} GB", f"{there / 1024:.1f} GB", fix)


def disk(facts: Facts) -> Finding:
    root = facts.info.get("DockerRootDir", "")
    place = root if root and Path(root).is_dir() else _existing_parent()
    free = shutil.disk_usage(place).free / 1e9
    fix = "Make room: `docker system df` tells what Docker holds, `make clean` removes the workbook's part."
    good = free >= DISK_GB
    return Finding("disk", good, f"at least {DISK_GB} GB free", f"{free:.0f} GB free", "" if good else fix)


def provider(facts: Facts) -> Finding:
    chosen, why = choose()
    facts.versions["cluster provider"] = chosen
    return Finding("cluster provider", True, " or ".join(Provider), f"{chosen}: {why}")


def running(facts: Facts) -> Finding:
    from workbook.kube import kubeconfig

    ours = current()
    if not facts.engine and ours.provider is Provider.KIND:
        return Finding("cluster", False, "Running", "unknown without a Docker engine", "Mend the engine first.")
    # minikube makes folders for a question, too: it is not asked for what was never made.
    facts.state = ours.status() if ours.folder.exists() else "Absent"
    if facts.state == "Absent" and ours.provider is Provider.MINIKUBE:
        facts.missing.append("minikube's node")
    if facts.state != "Running":
        return Finding("cluster", False, "Running", facts.state, "Run `start()`, or `make up` in a terminal.")
    if not kubeconfig.is_valid(ours):
        facts.state = "Running, but its kubeconfig is damaged"
        return Finding("cluster", False, "Running", facts.state, f"{UP} It writes {ours.kubeconfig} anew.")
    return Finding("cluster", True, "Running", facts.state)


def kubectl(facts: Facts) -> Finding:
    from workbook.kube.kubectl import client_minor, find_kubectl, missing, server_minor

    ours = current()
    if facts.state != "Running":
        found = find_kubectl(first=supplies.own_kubectl(ours))
        if not found and ours.provider is Provider.MINIKUBE:
            return Finding("kubectl", None, "one that fits the cluster", "none", "Nothing: minikube fetches its own.")
        if not found:
            raise missing()
        facts.versions["kubectl"] = f"1.{client_minor(found)}"
        return Finding("kubectl", True, "one that fits the cluster", facts.versions["kubectl"])
    first, *more = ours.kubectl()
    server = server_minor(ours)
    facts.versions["Kubernetes"] = f"1.{server}"
    if more:
        return Finding("kubectl", True, "within one minor version of the cluster", "minikube's own")
    client = client_minor(first)
    facts.versions["kubectl"] = f"1.{client}"
    return Finding(
        "kubectl",
        good := abs(server - client) <= 1,
        "within one minor version of the cluster",
        f"1.{client}, cluster 1.{server}",
        "" if good else "Install a newer one: https://kubernetes.io/docs/tasks/tools/",
    )


def _existing_parent() -> str:
    """The folder that will hold the workbook's files, or the nearest one above it that exists."""
    return str(next(path for path in (home(), *home().parents) if path.is_dir()))


CHECKS: dict[str, Callable[[Facts], Finding | None]] = {
    "Python": python,
    "Python packages": packages,
    "Docker engine": engine,
    "CPUs": cpus,
    "memory": memory,
    "disk": disk,
    "clock": supplies.clock,
    "cluster provider": provider,
    "minikube": supplies.minikube,
    "kind": supplies.kind,
    "cluster": running,
    "kubectl": kubectl,
    "set-up": supplies.busy,
    "ports": supplies.ports,
    "base images": supplies.base_images,
    "applications": supplies.applications,
    "network": supplies.network,
}
"""All that is looked at, in an order in which each finds the facts that it rests on."""
PREFLIGHT = ("Python", "Docker engine", "CPUs", "memory", "disk", "cluster provider", "cluster", "kubectl")
SIZE = ("Docker engine", "CPUs", "memory", "disk")
"""What a cluster cannot be made without."""
