"""The cluster's life, as notebooks control it: start, stop, delete, and the address of a Service."""

from workbook.base.lock import lock
from workbook.cluster import ready
from workbook.cluster.choose import remember
from workbook.cluster.current import current


def start() -> None:
    """Create the workbook's cluster, or start it again (`minikube start`). Prints the commands it runs.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/start/
    """
    ours = current()
    with lock(ours.folder / "lock", "start"):
        remember(ours.folder, ours.provider)
        ready.settle(ours, ours.start())


def stop() -> None:
    """Stop the workbook's cluster (`minikube stop`). What is deployed on it is kept for the next start.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/stop/
    """
    ours = current()
    with lock(ours.folder / "lock", "stop"):
        ours.stop()


def delete_cluster() -> None:
    """Delete the workbook's cluster with everything in it (`minikube delete`). The next `begin(…)` creates a new one.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/delete/
    """
    ours = current()
    with lock(ours.folder / "lock", "delete"):
        ours.delete()


def service_url(service: str) -> str:
    """Return an address at which a NodePort Service answers on this machine (`minikube service NAME --url`).

    Raises:
        WorkbookError: the Service does not exist, or has no node port.

    Documentation: https://minikube.sigs.k8s.io/docs/handbook/accessing/
    """
    return current().url(service)
