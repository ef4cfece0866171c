"""What a learner has done on this cluster. The notes are deleted with the cluster, and an instructor can read them.

They are a ConfigMap in the workbook's namespace: `kubectl get configmap workbook-progress -o yaml`.
"""

from enum import StrEnum

import pandas as pd
from kubernetes.client.exceptions import ApiException

from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.notebooks import find
from workbook.cluster.current import api
from workbook.kube.objects import Object

CONFIG_MAP = "workbook-progress"


class Note(StrEnum):
    """How far a notebook was run, or how its exercise was done."""

    BEGUN = "begun"
    END = "end"
    SOLUTION = "solution"
    EXERCISE = "exercise"


SHOWN = {
    "": "",
    Note.BEGUN: "begun",
    Note.END: "✓ to its end",
    Note.SOLUTION: "by the solution",
    Note.EXERCISE: "✓ done",
}
"""How `progress` shows each note; a note is replaced only by one that comes after it here."""


def note(number: int, what: Note) -> None:
    """Note that a notebook was begun or run to its end, or that its exercise was done.

    Nothing is noted when the cluster is gone, or does not allow it.

    Args:
        number: the notebook's number.
        what: the note; a better one from before is kept.
    """
    key = f"{number:02}-{'step' if what in (Note.BEGUN, Note.END) else 'exercise'}"
    order = list(SHOWN)
    try:
        found = api().find("configmaps", CONFIG_MAP)
        if order.index(_notes(found).get(key, "")) >= order.index(what):
            return
        method, name = ("PATCH", CONFIG_MAP) if found else ("POST", "")
        body = {"metadata": {"name": CONFIG_MAP, "labels": labels.MANAGED}, "data": {key: what}}
        api().request(method, api().path("configmaps", name=name), body=body).close()
    except WorkbookError:
        return
    except ApiException as error:
        if error.status != 403:
            raise


def progress() -> pd.DataFrame:
    """Return how far you are on this cluster.

    Returns:
        One row per notebook; the index is NOTEBOOK, the columns are STEP (begun, or run to its end) and EXERCISE (done by
        yourself, or by running the solution).

    Raises:
        WorkbookError: no cluster, or no answer from the API server.

    Documentation: https://kubernetes.io/docs/concepts/configuration/configmap/
    """
    notes = _notes(api().find("configmaps", CONFIG_MAP))
    names = [path.stem for path in find()]
    rows = [[SHOWN[notes.get(f"{name[:2]}-{column}", "")] for column in ("step", "exercise")] for name in names]
    frame = pd.DataFrame(rows, index=names, columns=["STEP", "EXERCISE"])
    return frame.rename_axis(index=None, columns="NOTEBOOK")


def _notes(found: Object | None) -> dict[str, str]:
    """The notes in the ConfigMap, if it was found, by their keys, such as `03-step`."""
    notes: dict[str, str] = (found or {}).get("data", {})
    return notes
