"""A learner's progress, on the learner's own cluster. Instructors can read it; it is deleted together with the cluster.

It is stored in a ConfigMap in the workbook's namespace: `kubectl get configmap workbook-progress -o yaml`.
"""

from typing import Literal

import pandas as pd
from kubernetes.client.exceptions import ApiException

from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.notebooks import find
from workbook.cluster.current import api, own
from workbook.lessons.tables import headed

CONFIG_MAP = "workbook-progress"
SHOWN = {"": "", "begun": "started", "end": "✓ to the end", "solution": "with the solution", "exercise": "✓ done"}
"""How `progress` shows each note. A note only replaces one that comes before it here."""


def note(number: int, what: Literal["begun", "end", "solution", "exercise"]) -> None:
    """Store in the cluster how far a notebook was run, or how its exercise was done, unless a better note exists.

    Stores nothing when the cluster is gone, or does not allow it.

    Args:
        what: the notebook was started or run to its end; or its exercise was done with the solution, or without it.
    """
    key = f"{number:02}-{'step' if what in ('begun', 'end') else 'exercise'}"
    order = list(SHOWN)
    try:
        cluster = api(own())
        found = cluster.find("configmaps", CONFIG_MAP)
        if order.index((found or {}).get("data", {}).get(key, "")) >= order.index(what):
            return
        method, name = ("PATCH", CONFIG_MAP) if found else ("POST", "")
        body = {"metadata": {"name": CONFIG_MAP, "labels": labels.MANAGED}, "data": {key: what}}
        cluster.request(method, cluster.path("configmaps", name=name), body=body).close()
    except WorkbookError:
        return
    except ApiException as error:
        if error.status != 403:
            raise


def progress() -> pd.DataFrame:
    """Return how far you are on your own cluster.

    Returns:
        One row per notebook; the index is NOTEBOOK, the columns are STEP (started, or run to the end) and EXERCISE (done
        on your own, or with the solution).

    Raises:
        WorkbookError: no cluster, or no answer from the API server.

    Documentation: https://kubernetes.io/docs/concepts/configuration/configmap/
    """
    notes = (api(own()).find("configmaps", CONFIG_MAP) or {}).get("data", {})
    names = [path.stem for path in find()]
    rows = [[name, *(SHOWN[notes.get(f"{name[:2]}-{part}", "")] for part in ("step", "exercise"))] for name in names]
    return headed(pd.DataFrame(rows, columns=["NOTEBOOK", "STEP", "EXERCISE"]))
