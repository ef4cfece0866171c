"""The cluster that the environment selects, and a connection to it."""

import os
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from workbook.base.errors import WorkbookError
from workbook.base.paths import clusters, modified
from workbook.cluster.choose import Provider, Settings, choose, remembered
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


def api() -> "Api":
    """Return a connection to the current cluster. It reads the kubeconfig only after a change, not at each call.

    Raises:
        WorkbookError: the workbook has no cluster, or the kubeconfig is not the one that the workbook wrote.
    """
    cluster = current()
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
