"""Live table of Deployments, ReplicaSets and Pods, to place next to the notebook."""

import html
import threading
from functools import partial
from typing import Any

import pandas as pd

from workbook.cluster.current import api
from workbook.kube.objects import Object, condition, restarts
from workbook.lessons.follower import Follower
from workbook.lessons.recorder import state
from workbook.lessons.tables import name

KINDS = {"deployments": "Deployment", "replicasets": "ReplicaSet", "pods": "Pod"}
PAUSE = 0.25
"""Seconds between two updates of the table: a reader cannot follow faster changes."""
READY, UNREADY = "●", "○"


class View:
    """A table of Deployments, ReplicaSets and Pods that shows each change in the cluster until `stop()`."""

    def __init__(self, minutes: float) -> None:
        self.error = ""
        self._objects: dict[str, dict[str, Object]] = {resource: {} for resource in KINDS}
        self._changed, self._stopped = threading.Event(), threading.Event()
        notes = {resource: partial(self._note, resource) for resource in KINDS}
        self._follower = Follower(api(), notes, self._fail, timeout=60 * minutes)
        self._painter = threading.Thread(target=self._paint, daemon=True)

    def start(self) -> None:
        """Show the table in the output of the current cell, and keep it up to date."""
        from IPython.display import DisplayHandle  # here: IPython loads slowly

        self._follower.start()
        self._shown = DisplayHandle()
        self._shown.display(self._rendered(), raw=True)
        self._painter.start()

    def stop(self) -> None:
        """Stop the updates; the table remains, and shows the cluster as it is now."""
        self._follower.stop()
        self._stopped.set()
        self._changed.set()
        self._painter.join(5)

    def table(self) -> pd.DataFrame:
        """Return the table as it is shown: one row per object; the columns are KIND, NAME, READY, STATUS and RESTARTS.

        ReplicaSets that have no Pods, because they belong to an earlier revision, are left out.
        """
        rows = []
        for resource, kind in KINDS.items():
            for item in sorted(self._objects[resource].values(), key=lambda item: str(item["metadata"]["name"])):
                if resource == "pods":
                    cells = [_marks(int(condition(item, "Ready")), 1), state(item), str(restarts(item))]
                else:
                    wanted, status = item["spec"].get("replicas", 0), item.get("status", {})
                    good, total = status.get("readyReplicas", 0), max(wanted, status.get("replicas", 0))
                    if resource == "replicasets" and not total:
                        continue
                    cells = [_marks(good, total), f"{good} of {wanted} ready", ""]
                rows.append([kind, name(item["metadata"]), *cells])
        return pd.DataFrame(rows, columns=["KIND", "NAME", "READY", "STATUS", "RESTARTS"])

    def _note(self, resource: str, objects: dict[str, Object]) -> None:
        self._objects[resource] = objects
        self._changed.set()

    def _fail(self, error: str) -> None:
        self.error = f"no longer updated: {error}"
        self._changed.set()

    def _paint(self) -> None:
        """Update the table after changes, and one last time when it is stopped."""
        stopped = False
        while not stopped:
            self._changed.wait()
            self._changed.clear()
            stopped = self._stopped.is_set()
            self._shown.update(self._rendered(), raw=True)
            self._stopped.wait(PAUSE)

    def _rendered(self) -> dict[str, Any]:
        title = self.error or ("as it was at the end" if self._stopped.is_set() else "live")
        table = self.table()
        return {
            "text/html": f"<p><em>{html.escape(title)}</em></p>{table.to_html(index=False)}",
            "text/plain": f"{title}\n{table.to_string(index=False)}",
        }


def watch(*, minutes: float = 60) -> View:
    """Show Deployments, ReplicaSets and Pods in a table that updates automatically, and return at once.

    In JupyterLab, right-click on it and choose *Create New View for Cell Output*: the table then has a panel next to the
    notebook. The last table is saved with the notebook.

    Args:
        minutes: how long the table updates, unless `stop()` ends the updates earlier.

    Returns:
        A `View`; its `stop()` ends the updates.

    Raises:
        WorkbookError: the workbook is not connected to a cluster.

    Documentation: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
    """
    view = View(minutes)
    view.start()
    return view


def _marks(good: int, total: int) -> str:
    """A mark for each Pod, filled if it is ready: `●●○`."""
    return READY * good + UNREADY * (total - good)
