"""Start, stop and delete the cluster, and find the address of a Service on it."""

from workbook.base.lock import lock
from workbook.cluster import ready
from workbook.cluster.choose import remember
from workbook.cluster.current import current


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


def delete_cluster() -> None:
    """Delete the workbook's cluster and everything in it (`minikube delete`). Raises what `start` raises.

    `begin(…)` creates a new cluster.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/delete/
    """
    cluster = current()
    with lock(cluster.folder / "lock", "delete"):
        cluster.delete()


def service_url(service: str) -> str:
    """Return an address at which a NodePort Service answers on this machine (`minikube service NAME --url`).

    Raises:
        WorkbookError: the Service does not exist, or has no node port.

    Documentation: https://minikube.sigs.k8s.io/docs/handbook/accessing/
    """
    return current().url(service)
