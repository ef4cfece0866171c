"""The cluster that the environment names, and a connection to it."""

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
    """The cluster that the environment names now. The same settings give the same object.

    Raises:
        WorkbookError: see `choose`.
    """
    settings = Settings.from_environment()
    return open_cluster(choose(settings)[0], settings)


@cache
def open_cluster(provider: Provider, settings: Settings) -> Cluster:
    """The cluster of a provider. Nothing is started or asked."""
    if provider is Provider.MINIKUBE:
        from workbook.cluster.minikube import Minikube  # loaded when used

        return Minikube(settings)
    if provider is Provider.KIND:
        from workbook.cluster.kind import Kind  # loaded when used

        return Kind(settings)
    from workbook.cluster.existing import Existing  # loaded when used

    return Existing(settings)


def made() -> list[Cluster]:
    """The clusters that the workbook has made on this machine, each with its own provider."""
    folders = sorted(clusters().glob("*/provider"))
    found = [(remembered(note.parent), Settings.from_environment(note.parent.name)) for note in folders]
    return [open_cluster(provider, settings) for provider, settings in found if provider]


def api() -> "Api":
    """A connection to the current cluster. Its kubeconfig is read when it has changed, not at each call.

    Raises:
        WorkbookError: the workbook has no cluster, or the kubeconfig is not the one that the workbook wrote.
    """
    cluster = current()
    return _connect(cluster.provider, cluster.settings, modified(cluster.kubeconfig), os.getpid())


@lru_cache(maxsize=8)
def _connect(provider: Provider, settings: Settings, changed: int, process: int) -> "Api":
    """The connection to a cluster. One that was made for an older kubeconfig or for another process is not used."""
    # The Kubernetes client takes a third of a second to load: not before it is needed.
    from workbook.kube import kubeconfig
    from workbook.kube.client import Api

    cluster = open_cluster(provider, settings)
    if not kubeconfig.is_valid(cluster):
        raise WorkbookError(
            f"The workbook is not connected to its cluster {cluster.name!r}.",
            f"{cluster.kubeconfig} is absent, damaged, or points at another cluster.",
            "Run the notebook's `begin(…)` cell, or `make up` in a terminal.",
        )
    return Api(cluster)
