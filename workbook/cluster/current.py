"""The cluster that the environment selects, and a connection to it."""

import os
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from workbook.base.errors import WorkbookError
from workbook.base.paths import clusters, modified
from workbook.cluster.choose import PROFILE, TWO, Provider, Settings, choose, remembered
from workbook.cluster.protocol import Cluster

if TYPE_CHECKING:
    from workbook.kube.client import Api


def current() -> Cluster:
    """Return the cluster that the environment selects now. The same settings return the same object.

    Raises:
        WorkbookError: see `choose`.
    """
    settings = Settings.from_environment()
    return open_cluster(choose(settings)[0], settings)


def own() -> Cluster:
    """Return the learner's own cluster, even while this process uses the one with two nodes. Raises what `choose` raises."""
    settings = Settings.from_environment(Settings.from_environment().own)
    return open_cluster(choose(settings)[0], settings)


def select(nodes: int) -> Cluster:
    """Make this process use the learner's own cluster, or the one with two nodes; return the cluster.

    The programs that this process starts use it, too. An existing cluster stays selected: it has the nodes that it has.

    Args:
        nodes: 1 or 2.

    Raises:
        WorkbookError: see `choose`.
    """
    settings = Settings.from_environment()
    if settings.nodes != nodes and choose(settings)[0] is not Provider.EXISTING:
        os.environ[PROFILE] = f"{settings.own}{TWO if nodes == 2 else ''}"
    return current()


@cache
def open_cluster(provider: Provider, settings: Settings) -> Cluster:
    """Return a provider's cluster, without starting or contacting it."""
    if provider is Provider.MINIKUBE:
        from workbook.cluster.minikube import Minikube  # loaded when used

        return Minikube(settings)
    if provider is Provider.KIND:
        from workbook.cluster.kind import Kind  # loaded when used

        return Kind(settings)
    from workbook.cluster.existing import Existing  # loaded when used

    return Existing(settings)


def made() -> list[Cluster]:
    """Return the clusters that the workbook has created on this machine, each with its own provider."""
    folders = sorted(clusters().glob("*/provider"))
    found = [(remembered(note.parent), Settings.from_environment(note.parent.name)) for note in folders]
    return [open_cluster(provider, settings) for provider, settings in found if provider]


def api(cluster: Cluster | None = None) -> "Api":
    """Return a connection to a cluster. It reads the kubeconfig only after a change, not at each call.

    Args:
        cluster: the current one when None.

    Raises:
        WorkbookError: the workbook has no cluster, or the kubeconfig is not the one that the workbook wrote.
    """
    cluster = cluster or current()
    return _connect(cluster.provider, cluster.settings, modified(cluster.kubeconfig), os.getpid())


@lru_cache(maxsize=8)
def _connect(provider: Provider, settings: Settings, changed: int, process: int) -> "Api":
    """Connect to a cluster. A changed kubeconfig or another process gets a new connection."""
    # The Kubernetes client takes a third of a second to load, so it is imported only here.
    from workbook.kube import kubeconfig
    from workbook.kube.client import Api

    cluster = open_cluster(provider, settings)
    if not kubeconfig.is_valid(cluster):
        raise WorkbookError(
            f"The workbook is not connected to its cluster {cluster.name!r}.",
            f"{cluster.kubeconfig} is missing, damaged, or points to another cluster.",
            "Run the notebook's `begin(…)` cell, or `make up` in a terminal.",
        )
    return Api(cluster)
