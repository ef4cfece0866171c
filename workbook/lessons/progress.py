"""What a learner has done on this cluster, noted in the cluster itself: it goes when the cluster goes, and who teaches can see it.

The notes are a ConfigMap in the workbook's Namespace: `kubectl get configmap workbook-progress -o yaml`.
"""

import pandas as pd
from kubernetes.client.exceptions import ApiException

from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.notebooks import find
from workbook.cluster.current import api
from workbook.lessons.tables import status as cluster_status

NAME = "workbook-progress"
BEGUN, END = "begun", "end"
SOLUTION, EXERCISE = "solution", "exercise"
STEPS = {"": "", BEGUN: "begun", END: "✓ to its end"}
EXERCISES = {"": "", SOLUTION: "by the solution", EXERCISE: "✓ done"}


def note(number: int, what: str) -> None:
    """Notes that a notebook was begun or run to its end, or its exercise done; what was better before stays.

    Nothing is noted where the cluster is gone, or does not allow it.

    Args:
        number: the notebook's number.
        what: `BEGUN` or `END`; `SOLUTION` or `EXERCISE`.
    """
    words = list(STEPS if what in STEPS else EXERCISES)
    key = f"{number:02}-{'step' if what in STEPS else 'exercise'}"
    try:
        if words.index(_notes().get(key, "")) >= words.index(what):
            return
    except WorkbookError:
        return
    body = {"metadata": {"name": NAME, "labels": labels.MANAGED}, "data": {key: what}}
    try:
        try:
            api().request("PATCH", api().path("configmaps", name=NAME), body=body).close()
        except ApiException as error:
            if error.status != 404:
                raise
            api().request("POST", api().path("configmaps"), body=body).close()
    except ApiException as error:
        if error.status != 403:
            raise


def progress() -> pd.DataFrame:
    """How far you are on this cluster.

    Returns:
        One row per notebook; the index is NOTEBOOK, the columns are STEP (begun, or run to its end) and EXERCISE (done by
        yourself, or by running the solution).

    Raises:
        WorkbookError: no cluster, or no answer from the API server.

    Documentation: https://kubernetes.io/docs/concepts/configuration/configmap/
    """
    notes = _notes()
    names = [path.stem for path in find()]
    rows = [
        [STEPS[notes.get(f"{name[:2]}-step", "")], EXERCISES[notes.get(f"{name[:2]}-exercise", "")]] for name in names
    ]
    frame = pd.DataFrame(rows, index=names, columns=["STEP", "EXERCISE"])
    return frame.rename_axis(index=None, columns="NOTEBOOK")


def status() -> None:
    """Prints the cluster's state and, when it runs, how far you are on it, and where to go on."""
    state = cluster_status()
    print(state.to_string(), end="\n\n")
    if state.loc["cluster", "STATUS"] == "Absent":
        print("There is no cluster, and so nothing is noted: `make up` makes one.")
    elif state.loc["cluster", "STATUS"] != "Running":
        print("What you have done is noted in the cluster: `make up` starts it.")
    else:
        table = progress()
        print(table.to_string(), _summary(table), sep="\n\n")


def _summary(table: pd.DataFrame) -> str:
    """How much of it is done, and the first notebook that is not."""
    ended, done = table["STEP"] == STEPS[END], table["EXERCISE"] == EXERCISES[EXERCISE]
    count = f"Notebooks run to their end: {ended.sum()} of {len(table)}. Exercises done by yourself: {done.sum()}."
    return count if ended.all() else f"{count}\nGo on with {table.index[~ended][0]}."


def _notes() -> dict[str, str]:
    found = api().find("configmaps", NAME)
    return found.get("data", {}) if found else {}
