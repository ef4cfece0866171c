"""`make status`: the cluster's state, and how far the user is on it."""

import pandas as pd

from workbook.cluster.protocol import State
from workbook.lessons import tables
from workbook.lessons.progress import SHOWN, Note, progress


def status() -> None:
    """Print the cluster's state and, if it is running, the user's progress and the notebook to continue with."""
    state = tables.status()
    print(state.to_string(), end="\n\n")
    match state.loc["cluster", "STATUS"]:
        case State.RUNNING:
            table = progress()
            print(table.to_string(), _summary(table), sep="\n\n")
        case State.ABSENT:
            print("There is no cluster, and so no progress: `make up` creates one.")
        case _:
            print("Your progress is stored in the cluster, which is not running: `make up` starts it.")


def _summary(table: pd.DataFrame) -> str:
    """How many notebooks and exercises are done, and the first notebook that is not."""
    finished, exercises = table["STEP"] == SHOWN[Note.END], table["EXERCISE"] == SHOWN[Note.EXERCISE]
    counts = (
        f"Notebooks run to their end: {finished.sum()} of {len(table)}. Exercises done by yourself: {exercises.sum()}."
    )
    return counts if finished.all() else f"{counts}\nContinue with {table.index[~finished][0]}."
