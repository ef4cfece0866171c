"""The helper that the notebooks import: kubectl's words, as Python functions that return tables.

Names are loaded when they are first used, so that `import workbook` is quick, and so that set-up can use this
package before the packages it needs are installed.
"""

import sys
from importlib import import_module
from typing import Any

OLDEST = (3, 11)
"""The oldest Python that the workbook runs on. All else in this package may use what that has; this file may not."""
if sys.version_info < OLDEST:
    sys.exit(
        "This is Python {}.{}; the workbook needs {}.{} or newer.\n".format(*sys.version_info[:2], *OLDEST)
        + "Do:  Install a newer Python, or use conda: `conda env create -f environment.yml`."
    )

_HOME_OF = {
    "apply": "kubectl",
    "begin": "states",
    "build": "building",
    "check": "checks",
    "compare": "comparing",
    "components": "architecture",
    "delete": "kubectl",
    "delete_cluster": "lifecycle",
    "deployments": "tables",
    "diagnose": "diagnosis",
    "dns_lookup": "lookup",
    "docker_run": "building",
    "endpoints": "waiting",
    "events": "tables",
    "exercise": "exercises",
    "first_snapshot": "snapshots",
    "get": "tables",
    "gone": "waiting",
    "images": "tables",
    "logs": "kubectl",
    "nodes": "tables",
    "page": "showing",
    "pods": "tables",
    "pods_ready": "waiting",
    "port_forward": "forwarding",
    "preflight": "prerequisites",
    "prober": "probing",
    "progress": "journal",
    "recorder": "recording",
    "replicasets": "tables",
    "remove_image": "building",
    "restarted": "waiting",
    "rollout_status": "waiting",
    "scale": "kubectl",
    "service_url": "lifecycle",
    "services": "tables",
    "show": "showing",
    "snapshot": "snapshots",
    "start": "lifecycle",
    "status": "tables",
    "stop": "lifecycle",
    "timeline": "drawing",
    "wait_for": "waiting",
    "waiting_for": "waiting",
    "watch": "live",
}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'workbook' has no attribute {name!r}")
    return getattr(import_module(f"workbook.{_HOME_OF[name]}"), name)


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext workbook`: adds the line magic `%kubectl`."""
    from workbook.kubectl import magic

    ipython.register_magic_function(magic, "line", "kubectl")
