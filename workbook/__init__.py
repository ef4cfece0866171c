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
    "apply": "lessons.kubectl",
    "begin": "lessons.begin",
    "build": "engine.build",
    "check": "lessons.check",
    "compare": "lessons.compare",
    "components": "lessons.components",
    "delete": "lessons.kubectl",
    "delete_cluster": "lessons.start",
    "deployments": "lessons.tables",
    "diagnose": "lessons.diagnose",
    "dns_lookup": "lessons.dns_lookup",
    "docker_run": "engine.build",
    "endpoints": "lessons.wait",
    "events": "lessons.tables",
    "exercise": "lessons.exercise",
    "first_snapshot": "lessons.snapshot",
    "get": "lessons.tables",
    "gone": "lessons.wait",
    "images": "lessons.tables",
    "logs": "lessons.kubectl",
    "nodes": "lessons.tables",
    "page": "lessons.show",
    "pods": "lessons.tables",
    "pods_ready": "lessons.wait",
    "port_forward": "lessons.port_forward",
    "preflight": "machine.checks",
    "prober": "lessons.prober",
    "progress": "lessons.progress",
    "recorder": "lessons.recorder",
    "replicasets": "lessons.tables",
    "remove_image": "engine.build",
    "restarted": "lessons.wait",
    "rollout_status": "lessons.wait",
    "scale": "lessons.kubectl",
    "service_url": "lessons.start",
    "services": "lessons.tables",
    "show": "lessons.show",
    "snapshot": "lessons.snapshot",
    "start": "lessons.start",
    "status": "lessons.tables",
    "stop": "lessons.start",
    "timeline": "lessons.timeline",
    "wait_for": "lessons.wait",
    "waiting_for": "lessons.wait",
    "watch": "lessons.watch",
}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'workbook' has no attribute {name!r}")
    return getattr(import_module(f"workbook.{_HOME_OF[name]}"), name)


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext workbook`: adds the line magic `%kubectl`."""
    from workbook.lessons.kubectl import magic

    ipython.register_magic_function(magic, "line", "kubectl")
