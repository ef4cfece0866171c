"""The cluster's life from a notebook: start, stop, and what it is doing."""

import pandas as pd

from workbook import cluster
from workbook.lock import lock


def start() -> None:
    """`minikube start`: creates the workbook's cluster, or starts it again. Prints the commands it runs.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/start/
    """
    ours = cluster.current()
    with lock(cluster.folder(ours.name) / "lock", "start"):
        ours.start()
        cluster.remember()


def stop() -> None:
    """`minikube stop`: stops the workbook's cluster; what was deployed stays for the next start.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/stop/
    """
    ours = cluster.current()
    with lock(cluster.folder(ours.name) / "lock", "stop"):
        ours.stop()


def status() -> pd.DataFrame:
    """`minikube status`: one row, the cluster's state: Running, Stopped, Absent or Broken.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/status/
    """
    frame = pd.DataFrame([cluster.current().status()], index=["cluster"], columns=["STATUS"])
    return frame.rename_axis(index=None, columns="NAME")
