"""Check the exercise at the end of a notebook."""

from collections.abc import Callable

from workbook.lessons.check import CheckFailed
from workbook.lessons.progress import Note, note


def exercise(number: int, claims: dict[str, bool | Callable[[], bool]], *, solution: bool = False) -> None:
    """Print which claims of an exercise are true, and note for `progress()` if all are. A claim that isn't is no error.

    Args:
        number: the notebook's number.
        claims: what should be true when the exercise is done, in words, and whether it is, or a function that finds out.
        solution: whether the workbook's own solution was run just before.

    Raises:
        CheckFailed: a claim is not true after the workbook's own solution.
    """
    done = {claim: bool(holds() if callable(holds) else holds) for claim, holds in claims.items()}
    for claim, holds in done.items():
        print(f"✓ {claim}" if holds else f"✗ {claim}: not yet")
    if all(done.values()):
        note(number, Note.SOLUTION if solution else Note.EXERCISE)
        print(f"Exercise {number:02} is done.")
    elif solution:
        raise CheckFailed(
            f"The solution of exercise {number:02} does not work.", fix="Run the notebook again from its `begin(…)` on."
        )
    else:
        print("Try it in the cell above and run this one again; a hint is below.")
    note(number, Note.END)
