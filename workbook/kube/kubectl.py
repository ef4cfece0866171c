"""Find a kubectl that fits a cluster: one is supported within one minor version of the API server.

Documentation: https://kubernetes.io/releases/version-skew-policy/#kubectl
"""

import json
import shutil
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.processes import read
from workbook.kube.client import Access, Api


def find_kubectl(server: int | None = None, *, first: Path | None = None) -> str | None:
    """The path of a kubectl that fits Kubernetes 1.`server`; None when none does.

    Args:
        server: the API server's minor version; any kubectl fits when None.
        first: a kubectl to prefer to the one on PATH.
    """
    for path in filter(None, (first, shutil.which("kubectl"))):
        if server is None or abs(client_minor(str(path)) - server) <= 1:
            return str(path)
    return None


def require_kubectl(server: int | None = None, *, first: Path | None = None) -> str:
    """As `find_kubectl`, but raises a WorkbookError when none fits."""
    if path := find_kubectl(server, first=first):
        return path
    raise WorkbookError(
        "kubectl is missing, or more than one minor version away from the cluster's Kubernetes.",
        fix="Install it: https://kubernetes.io/docs/tasks/tools/",
    )


def client_minor(path: str) -> int:
    """The minor version of the kubectl at `path`: 36 for v1.36.3."""
    version = json.loads(read([path, "version", "--client", "-o", "json"], timeout=20))
    return minor(version["clientVersion"]["gitVersion"])


def server_minor(access: Access) -> int:
    """The minor version of a cluster's API server: 36 for v1.36.3.

    Raises:
        WorkbookError: it does not answer.
    """
    return minor(Api(access).version())


def minor(version: str) -> int:
    """The minor version in `v1.36.3`: 36."""
    return int(version.split(".")[1])
