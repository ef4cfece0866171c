"""The overview of the namespace as a live picture, to place next to the notebook."""

import html
import threading
from functools import partial
from typing import Any

from workbook.cluster.current import api
from workbook.kube.objects import Object
from workbook.lessons.follower import Follower
from workbook.lessons.overview import RESOURCES, Overview, arranged

PAUSE = 0.25
"""Seconds between two updates of the picture: a reader cannot follow faster changes."""


class View:
    """A picture of the namespace that shows each change in the cluster until `stop()`."""

    def __init__(self, minutes: float) -> None:
        self.error = ""
        self._objects: dict[str, dict[str, Object]] = {resource: {} for resource in RESOURCES}
        self._changed, self._stopped = threading.Event(), threading.Event()
        notes = {resource: partial(self._note, resource) for resource in RESOURCES}
        self._follower = Follower(api(), notes, self._fail, timeout=60 * minutes)
        self._painter = threading.Thread(target=self._paint, daemon=True)

    def start(self) -> None:
        """Show the picture in the output of the current cell, and keep it up to date."""
        from IPython.display import DisplayHandle  # here: IPython loads slowly

        self._follower.start()
        self._shown = DisplayHandle()
        self._shown.display(self._rendered(), raw=True)
        self._painter.start()

    def stop(self) -> None:
        """Stop the updates; the picture remains, and shows the cluster as it is now."""
        self._follower.stop()
        self._stopped.set()
        self._changed.set()
        self._painter.join(5)

    def overview(self) -> Overview:
        """Return what the picture shows now."""
        return arranged({resource: [*objects.values()] for resource, objects in self._objects.items()})

    def _note(self, resource: str, objects: dict[str, Object]) -> None:
        self._objects[resource] = objects
        self._changed.set()

    def _fail(self, error: str) -> None:
        self.error = f"no longer updated: {error}"
        self._changed.set()

    def _paint(self) -> None:
        """Update the picture after changes, and one last time when it is stopped."""
        stopped = False
        while not stopped:
            self._changed.wait()
            self._changed.clear()
            stopped = self._stopped.is_set()
            self._shown.update(self._rendered(), raw=True)
            self._stopped.wait(PAUSE)

    def _rendered(self) -> dict[str, Any]:
        title = self.error or ("as it was at the end" if self._stopped.is_set() else "live")
        shown = self.overview()
        return {
            "text/html": f"<p><em>{html.escape(title)}</em></p>{shown._repr_html_()}",
            "text/plain": f"{title}\n{shown!r}",
        }


def watch(*, minutes: float = 60) -> View:
    """Show the overview of the namespace in a picture that updates automatically, and return at once.

    In JupyterLab, right-click on it and choose *Create New View for Cell Output*: the picture then has a panel next to the
    notebook. The last picture is saved with the notebook.

    Args:
        minutes: how long the picture updates, unless `stop()` ends the updates earlier.

    Returns:
        A `View`; its `stop()` ends the updates, and its `overview()` is what the picture shows.

    Raises:
        WorkbookError: the workbook is not connected to a cluster.

    Documentation: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
    """
    view = View(minutes)
    view.start()
    return view
