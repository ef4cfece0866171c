"""The ✓ a reader sees: a claim about the cluster, held against the cluster."""

from collections.abc import Callable

from workbook.base.errors import WorkbookError


class CheckFailed(WorkbookError):
    """A claim that does not hold (yet)."""


def check(claim: str, holds: bool | Callable[[], bool], hint: str = "") -> None:
    """Prints `✓ claim` when it holds.

    Args:
        claim: what should be true now, in words.
        holds: whether it is, or a function that finds out.
        hint: the next thing to try when it is not.

    Raises:
        CheckFailed: it does not hold; names the claim and the hint.
    """
    if not (holds() if callable(holds) else holds):
        raise CheckFailed(f"✗ {claim}: not so.", fix=hint or "Run the cells above again, from `begin(…)` on.")
    print(f"✓ {claim}")
