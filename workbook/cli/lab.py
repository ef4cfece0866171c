"""The cluster's life: set up, start, stop, delete; and JupyterLab on it."""

import os
import secrets
import socket
import sys
import time
from pathlib import Path

from workbook.base.lock import lock
from workbook.base.notebooks import NOTEBOOKS
from workbook.base.processes import attend
from workbook.cluster import choose as cluster
from workbook.cluster import ready
from workbook.engine import build as building
from workbook.machine.checks import require

FIRST = "00_start-here.ipynb"
SETTINGS = Path(__file__).with_name("jupyterlab")
"""JupyterLab's settings: it asks nobody for news or updates, and shows a document, such as the glossary, as it is to be read."""


def up() -> None:
    """Sets everything up: engine, cluster, base images. Run again, it finds all there in seconds.

    Raises:
        WorkbookError: the machine is too small, another process is setting up, or a step failed.
    """
    begun = time.monotonic()
    require()
    ours = cluster.current()
    _, why = cluster.choose()
    print(f"Cluster {ours.name!r}: {ours.describe()}\n  (chosen because {why})")
    with lock(cluster.folder(ours.name) / "lock", "set-up"):
        cluster.remember()  # first, so that a cluster which comes up half can be found and removed
        ours.start()
        engine = ours.docker()
        for purpose in building.bases(building.catalog()):
            building.base(engine, purpose)
        ready.settle(ours)
    print(f"Set up in {time.monotonic() - begun:.0f} s.\n")


def start() -> None:
    """`minikube start`: creates the workbook's cluster, or starts it again. Prints the commands it runs.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/start/
    """
    ours = cluster.current()
    with lock(cluster.folder(ours.name) / "lock", "start"):
        cluster.remember()
        ours.start()
        ready.settle(ours)


def stop() -> None:
    """`minikube stop`: stops the workbook's cluster; what was deployed stays for the next start.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/stop/
    """
    ours = cluster.current()
    with lock(cluster.folder(ours.name) / "lock", "stop"):
        ours.stop()


def delete_cluster() -> None:
    """`minikube delete`: removes the workbook's cluster with everything in it; the next `begin(…)` makes a new one.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/delete/
    """
    ours = cluster.current()
    with lock(cluster.folder(ours.name) / "lock", "delete"):
        ours.delete()


def service_url(service: str) -> str:
    """`minikube service NAME --url`: an address at which a NodePort Service answers from this machine.

    Raises:
        WorkbookError: there is no such Service, or it has no node port.

    Documentation: https://minikube.sigs.k8s.io/docs/handbook/accessing/
    """
    return cluster.current().url(service)


def down() -> None:
    """Stops every cluster the workbook has made."""
    for ours in cluster.made():
        with lock(cluster.folder(ours.name) / "lock", "stop"):
            ours.stop()


def lab() -> int:
    """Sets everything up, then runs JupyterLab on the first notebook until it is ended; returns its exit status."""
    up()
    command, env, address = jupyterlab(NOTEBOOKS)
    print(f"JupyterLab: {address}\nEnd it with Ctrl-C.\n", flush=True)
    if not sys.stdout.isatty():
        command.append("--no-browser")
    return attend(command, env)


def jupyterlab(folder: Path) -> tuple[list[str], dict[str, str], str]:
    """The command that runs JupyterLab, the variables to add to its environment, and the address of the first notebook.

    It listens on this machine's loopback only, and asks for a token, which is in the address.

    Args:
        folder: where the notebooks are.

    Documentation: https://jupyter-server.readthedocs.io/en/latest/operators/public-server.html
    """
    port, token = _free_port(8888), secrets.token_urlsafe(24)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
        f"--LabApp.app_settings_dir={SETTINGS}",
        "--LanguageServerManager.autodetect=False",  # it would look for editors' helpers, and have npm leave a folder
        "--log-level=WARN",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    # The token by the environment: other users of this machine can read a command's arguments.
    return command, {"JUPYTER_TOKEN": token}, f"http://127.0.0.1:{port}/lab/tree/{FIRST}?token={token}"


def _free_port(first: int) -> int:
    """The first port from `first` on that nothing on this machine listens on."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    return 0
