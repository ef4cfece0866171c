"""The exercise at the end of a notebook: is it done?"""

from collections.abc import Callable

from workbook.lessons import progress as journal
from workbook.lessons.check import CheckFailed


def exercise(number: int, claims: dict[str, bool | Callable[[], bool]], *, solution: bool = False) -> None:
    """Prints what of an exercise is done, and notes it for `progress()`. What is missing is no error: it is still to do.

    Args:
        number: the notebook's number.
        claims: what should be true when it is done, in words, and whether it is, or a function that finds out.
        solution: the workbook's own solution was run just before.

    Raises:
        CheckFailed: the workbook's own solution does not hold.
    """
    done = {claim: bool(holds() if callable(holds) else holds) for claim, holds in claims.items()}
    for claim, holds in done.items():
        print(f"✓ {claim}" if holds else f"✗ {claim}: not yet")
    if all(done.values()):
        journal.note(number, journal.SOLUTION if solution else journal.EXERCISE)
        print(f"Exercise {number:02} is done.")
    elif solution:
        raise CheckFailed(
            f"The solution of exercise {number:02} does not hold.", fix="Run the notebook again from its `begin(…)` on."
        )
    else:
        print("Try it in the cell above and run this one again; a hint is below.")
    journal.note(number, journal.END)
