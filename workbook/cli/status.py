"""`make status`: the cluster's state, and the user's progress on it."""

from workbook.base.commands import for_this_system
from workbook.cluster.current import current
from workbook.cluster.protocol import State
from workbook.lessons import tables
from workbook.lessons.progress import SHOWN, progress
from workbook.machine import journal


def status() -> None:
    """Print the cluster's state and, if it is running, the user's progress and the notebook to continue with.

    While the cluster is being set up, print how far that is.
    """
    state = tables.status()
    print(state.to_string(), end="\n\n")
    if (found := journal.read(current().folder)) and found.running:
        print(f"The cluster is being set up: {found.progress}.")
        return
    match state.loc["cluster", "STATUS"]:
        case State.RUNNING:
            table = progress()
            print(table.to_string(), end="\n\n")
            end, done = table["STEP"] == SHOWN["end"], table["EXERCISE"] == SHOWN["exercise"]
            print(f"Notebooks run to the end: {end.sum()} of {len(end)}. Exercises done on your own: {done.sum()}.")
            if not end.all():
                print(f"Continue with {table.index[~end][0]}.")
        case State.ABSENT:
            print(for_this_system("There is no cluster, so there is no progress: `make up` creates a cluster."))
        case _:
            text = "Your progress is stored in the cluster, which is not running: `make up` starts it."
            print(for_this_system(text))
