"""Start, stop and delete the cluster, switch its nodes off and on, and find the address of a Service on it."""

from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.cluster import ready
from workbook.cluster.choose import Provider, remember
from workbook.cluster.current import api, current, select
from workbook.cluster.protocol import Cluster

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
"""The label of nodes that run the control plane."""


def start() -> None:
    """Create the workbook's cluster, or start it again (`minikube start`); print the commands that do it.

    Raises:
        WorkbookError: another process is changing the cluster, or it does not start.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/start/
    """
    cluster = current()
    with lock(cluster.folder / "lock", "start"):
        remember(cluster.folder, cluster.provider)
        ready.settle(cluster, cluster.start())


def stop() -> None:
    """Stop the workbook's cluster (`minikube stop`); the next start brings back what is deployed. Raises what `start` raises.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/stop/
    """
    cluster = current()
    with lock(cluster.folder / "lock", "stop"):
        cluster.stop()


def delete_cluster(*, nodes: int = 0) -> None:
    """Delete the workbook's cluster and everything in it (`minikube delete`). Raises what `start` raises.

    `begin(…)` creates a new cluster.

    Args:
        nodes: 2 for the cluster with two nodes, even if this process uses the learner's own cluster; this process then
            uses the one with two nodes. 0 for the one that this process uses.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/delete/
    """
    cluster = select(nodes) if nodes else current()
    if nodes and cluster.provider is Provider.EXISTING:
        print(f"The cluster {cluster.name!r} stays: the workbook only deletes clusters that it created.")
        return
    with lock(cluster.folder / "lock", "delete"):
        cluster.delete()


def stop_node(name: str) -> None:
    """Switch off a worker node without notice to Kubernetes, as a power failure does (`docker kill`, `minikube node stop`).

    Args:
        name: its name, as in `nodes()`.

    Raises:
        NotPossible: the cluster is an existing one.
        WorkbookError: there is no such node, or it runs the control plane; or what `start` raises.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/node/
    """
    cluster = current()
    _require_worker(cluster, name)
    with lock(cluster.folder / "lock", "stop_node"):
        cluster.stop_node(name)


def start_node(name: str) -> None:
    """Start a node that was switched off, and wait until it is Ready (`docker start`, `minikube node start`).

    Args:
        name: its name, as in `nodes()`.

    Raises: what `stop_node` raises.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/node/
    """
    cluster = current()
    _require_worker(cluster, name)
    with lock(cluster.folder / "lock", "start_node"):
        cluster.start_node(name)


def _require_worker(cluster: Cluster, name: str) -> None:
    """Refuse a name that is not a worker node's."""
    found = {node["metadata"]["name"]: node["metadata"].get("labels", {}) for node in api().objects("nodes")}
    if name not in found:
        why = f"It has {', '.join(sorted(found))}."
        raise WorkbookError(f"The cluster {cluster.name!r} has no node {name!r}.", why, "Correct the name.")
    if CONTROL_PLANE in found[name]:
        raise WorkbookError(
            f"The node {name!r} runs the control plane.",
            "Without the control plane, nothing on the cluster can be asked or changed.",
            "Name a worker node: `nodes()` shows them, with `<none>` under ROLES.",
        )


def service_url(service: str) -> str:
    """Return an address at which a NodePort Service answers on this machine (`minikube service NAME --url`).

    Raises:
        WorkbookError: the Service does not exist, or has no node port.

    Documentation: https://minikube.sigs.k8s.io/docs/handbook/accessing/
    """
    return current().url(service)
