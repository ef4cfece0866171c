"""Checks of claims about the cluster, in the middle of a notebook or in the exercises at its end."""

from collections.abc import Callable

from workbook.base.errors import WorkbookError
from workbook.lessons.progress import note
from workbook.lessons.report import failed, passed

Claimed = bool | Callable[[], bool]
"""Whether a claim is true, or a function that finds out."""


class CheckFailed(WorkbookError):
    """A claim is not true (yet)."""


def check(claim: str, holds: Claimed, hint: str = "") -> None:
    """Print `✓` and the claim if it is true.

    Args:
        claim: what should be true now, in words.
        hint: the next thing to try if it is not.

    Raises:
        CheckFailed: it is not true; the error has the claim and the hint.
    """
    if not (holds() if callable(holds) else holds):
        failed(claim)
        raise CheckFailed(f"✗ {claim}: not true.", fix=hint or "Run the cells above again, from `begin(…)` on.")
    passed()
    print(f"✓ {claim}")


def exercise(number: int, claims: dict[str, Claimed], *, part: int = 0, solution: bool = False) -> None:
    """Print which claims of an exercise are true. If all are, record it for `progress()`. A false claim is not an error.

    Args:
        number: the notebook's number.
        claims: what should be true when the exercise is done, in words, and whether it is.
        part: which of the notebook's exercises this is: 1, 2, …; 0 if there is only one.
        solution: whether the workbook's own solution was run just before.

    Raises:
        CheckFailed: a claim is not true after the workbook's own solution.
    """
    done = {claim: bool(holds() if callable(holds) else holds) for claim, holds in claims.items()}
    for claim, holds in done.items():
        print(f"✓ {claim}" if holds else f"✗ {claim}: not yet")
    title = f"{number:02}.{part}" if part else f"{number:02}"
    missing = next((claim for claim, holds in done.items() if not holds), "" if done else "no claims")
    if not missing:
        passed()
        note(number, "solution" if solution else "exercise", part)
        print(f"Exercise {title} is done.")
    else:
        failed(f"Exercise {title}: {missing}")
        if solution:
            fix = "Run the notebook again, from its `begin(…)` cell on."
            raise CheckFailed(f"The solution of exercise {title} does not work.", fix=fix)
        print("Try it in the cell above, then run this cell again. The hints are below.")
    note(number, "end")
