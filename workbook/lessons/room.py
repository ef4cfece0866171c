"""Whether a second cluster, with two nodes, fits next to the learner's own."""

import psutil

from workbook.base.errors import NotPossible
from workbook.cluster.choose import Provider
from workbook.cluster.current import api
from workbook.cluster.protocol import Cluster, State
from workbook.kube.objects import takes_pods

NEEDED_MB = 2048
"""The memory that two nodes may use."""
NOT_HERE = "This notebook is optional. Read it with its recorded outputs, or"


def require_room(cluster: Cluster) -> None:
    """Refuse a notebook that needs two nodes, unless they exist, or this machine has enough memory for them.

    Args:
        cluster: the cluster that the notebook uses.

    Raises:
        NotPossible: says what is missing.
    """
    if cluster.provider is Provider.EXISTING:
        return
    if cluster.provider is Provider.MINIKUBE and cluster.settings.bundle:
        raise NotPossible(
            "The bundle has no cluster with two nodes.",
            "On minikube, such a cluster needs other files than the one with a single node.",
            f"{NOT_HERE} run it with a network connection.",
        )
    if (free := _free_mb(cluster)) < NEEDED_MB and cluster.status() is State.ABSENT:
        raise NotPossible(
            "This machine has too little free memory for a second cluster.",
            f"Two nodes need about {NEEDED_MB / 1024:.0f} GB, and {free / 1024:.1f} GB are free.",
            f"{NOT_HERE} close other programs and run this cell again.",
        )


def require_nodes(cluster: Cluster) -> None:
    """Refuse a notebook that needs two nodes, if the cluster is an existing one that does not have them.

    Args:
        cluster: a cluster that was started.

    Raises:
        NotPossible: with the number of nodes that it has.
    """
    if cluster.provider is not Provider.EXISTING:
        return
    if (found := sum(map(takes_pods, api().objects("nodes")))) < 2:
        raise NotPossible(
            f"This notebook needs two nodes, and the cluster {cluster.name!r} has {found} that Pods can run on.",
            fix=f"{NOT_HERE} run it on a machine with minikube or kind.",
        )


def _free_mb(cluster: Cluster) -> float:
    """The memory that is free for containers; infinite if only the Docker engine's virtual machine knows.

    A virtual machine with the size that the workbook asks for has room for both clusters.
    """
    memory = psutil.virtual_memory()
    engine: float = cluster.engine.info().get("MemTotal", 0)
    return memory.available / 2**20 if abs(engine - memory.total) < 0.05 * memory.total else float("inf")
