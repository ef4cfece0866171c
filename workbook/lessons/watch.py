"""A table that keeps itself up to date, to be laid beside the notebook."""

import threading
import time
from typing import Any

import pandas as pd

from workbook.cluster.current import api
from workbook.kube.objects import Object, condition, restarts
from workbook.kube.watch import follow
from workbook.lessons.recorder import state
from workbook.lessons.tables import name

KINDS = {"deployments": "Deployment", "replicasets": "ReplicaSet", "pods": "Pod"}
PAUSE = 0.25
"""Seconds between two pictures: more often, nobody can read it."""
FULL, EMPTY = "●", "○"


class View:
    """A table of Deployments, ReplicaSets and Pods that follows the cluster until `stop()`."""

    def __init__(self, minutes: float) -> None:
        self.error = ""
        self._ended, self._changed = threading.Event(), threading.Event()
        self._objects: dict[str, dict[str, Object]] = {resource: {} for resource in KINDS}
        self._api = api()
        self._threads = [
            threading.Thread(
                target=self._follow,
                args=(resource, minutes),
                daemon=True,
            )
            for resource in KINDS
        ]
        self._painter = threading.Thread(target=self._paint, daemon=True)

    def start(self) -> None:
        """Shows the table in the output of the cell that calls this, and begins to follow."""
        from IPython.display import display

        self._handle = display(self._picture(), raw=True, display_id=True)
        for thread in (*self._threads, self._painter):
            thread.start()

    def stop(self) -> None:
        """Ends it; the table stays as the cluster is now."""
        self._ended.set()
        for thread in self._threads:
            thread.join(5)
        for resource in KINDS:  # what has happened, but was not told yet
            self._objects[resource] = next(follow(self._api, resource, timeout=5), self._objects[resource])
        self._changed.set()
        self._painter.join(5)

    def table(self) -> pd.DataFrame:
        """What it shows: one row per object; the columns are KIND, NAME, READY, STATUS and RESTARTS."""
        rows = []
        for resource, kind in KINDS.items():
            for item in sorted(self._objects[resource].values(), key=lambda item: item["metadata"]["name"]):
                if row := _row(resource, item):
                    rows.append([kind, name(item["metadata"]), *row])
        return pd.DataFrame(rows, columns=["KIND", "NAME", "READY", "STATUS", "RESTARTS"])

    def _follow(self, resource: str, minutes: float) -> None:
        try:
            for found in follow(self._api, resource, timeout=60 * minutes, until=self._ended):
                self._objects[resource] = found
                self._changed.set()
        except Exception as error:
            self.error = f"It has ended: {error}"
            self._changed.set()

    def _paint(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            self._handle.update(self._picture(), raw=True)
            if self._ended.is_set() and not any(thread.is_alive() for thread in self._threads):
                return
            time.sleep(PAUSE)

    def _picture(self) -> dict[str, Any]:
        told = self.error or ("as it was at the end" if self._ended.is_set() else "live")
        frame = self.table()
        return {
            "text/html": f"<p><em>{told}</em></p>{frame.to_html(index=False)}",
            "text/plain": f"{told}\n{frame.to_string(index=False)}",
        }


def watch(*, minutes: float = 60) -> View:
    """Shows Deployments, ReplicaSets and Pods in a table that keeps itself up to date, and returns at once.

    In JupyterLab, right-click on it and choose *Create New View for Cell Output*: it then has a panel of its own beside the
    notebook. What is saved with the notebook is the last table.

    Args:
        minutes: how long it follows the cluster, if `stop()` does not end it before.

    Returns:
        A `View`; `stop()` ends it.

    Raises:
        WorkbookError: no cluster.

    Documentation: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
    """
    view = View(minutes)
    view.start()
    return view


def _row(resource: str, item: Object) -> list[Any] | None:
    """READY, STATUS and RESTARTS of an object; None for a ReplicaSet of the past."""
    if resource == "pods":
        up = condition(item, "Ready")
        return [_strip(int(up), 1), state(item), str(restarts(item))]
    wanted, status = item["spec"].get("replicas", 0), item.get("status", {})
    if resource == "replicasets" and not wanted and not status.get("replicas"):
        return None
    good = status.get("readyReplicas", 0)
    return [_strip(good, max(wanted, status.get("replicas", 0))), f"{good} of {wanted} ready", ""]


def _strip(good: int, count: int) -> str:
    """A mark for each Pod, filled for one that is ready: `●●○`."""
    return FULL * good + EMPTY * (count - good)
