"""All checks of whether this machine can run the workbook, in their order, and the groups of checks for each purpose.

A check is a function that takes `Facts` and returns a `Finding`, or None if the check does not apply to this machine. Its
module needs only the standard library. If a package is missing when the check runs, that is a finding, too.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from workbook.base.errors import WorkbookError
from workbook.machine import host, supplies, tools
from workbook.machine.findings import Facts, Finding

if TYPE_CHECKING:
    from docker import DockerClient

CHECKS: dict[str, Callable[[Facts], Finding | None]] = {
    "Python": host.python,
    "Python packages": host.packages,
    "Docker engine": tools.engine,
    "CPUs": host.cpus,
    "memory": host.memory,
    "disk": host.disk,
    "clock": host.clock,
    "cluster provider": tools.provider,
    "Docker's rights": host.rights,
    "minikube": tools.minikube,
    "kind": tools.kind,
    "cluster": tools.cluster,
    "kubectl": tools.kubectl,
    "set-up": host.set_up,
    "last set-up": host.last_set_up,
    "other processes": host.locks,
    "ports": host.ports,
    "base images": supplies.base_images,
    "applications": supplies.applications,
    "registry login": supplies.logins,
    "network": supplies.network,
}
"""All checks, in an order that provides each check with the facts that it needs."""
PREFLIGHT = (
    "set-up",
    "Python",
    "Docker engine",
    "CPUs",
    "memory",
    "disk",
    "cluster provider",
    "cluster",
    "kubectl",
    "last set-up",
)
"""The checks in the first notebook."""
PROVIDED = ("Docker engine", "cluster", "kubectl")
"""The checks of what the set-up provides, so they may fail while it is running."""
SIZE = ("Docker engine", "CPUs", "memory", "disk", "Docker's rights")
"""The checks of the resources that a cluster requires."""


def require(engine: "DockerClient") -> None:
    """Refuse a machine that is too small for a cluster, before a cluster is started.

    Raises:
        WorkbookError: a resource is too small; with its name, and what to do.
    """
    for finding in findings(SIZE, Facts(engine=engine)):
        if finding.ok is False:
            why = f"Needed: {finding.needed}; found: {finding.found}."
            raise WorkbookError(f"This machine cannot run a cluster: {finding.check}.", why, finding.fix)


def findings(
    names: Iterable[str],
    facts: Facts,
    within: Callable[[Callable[[], Finding | None]], Finding | None] = lambda check: check(),
) -> Iterator[Finding]:
    """Run checks, by their names in `CHECKS`.

    Args:
        names: the checks, in their order.
        facts: the results of earlier checks; the checks add to them.
        within: a function that calls each check; it may raise `TimeoutError` instead of waiting for the result.
    """
    for name in names:
        try:
            finding = within(partial(CHECKS[name], facts))
        except WorkbookError as error:
            finding = Finding(False, "working", error.what, error.fix)
        except ModuleNotFoundError as error:
            finding = Finding(None, "", f"not checked: the Python package {error.name} is missing", "Run `make up`.")
        except OSError as error:  # requests' errors and TimeoutError are some
            fix = "Run this again. If the problem persists, restart the program in question."
            finding = Finding(False, "an answer", str(error), fix)
        if finding:
            finding.check = name
            yield finding
