"""Check a claim about the cluster, and mark it with ✓."""

from collections.abc import Callable

from workbook.base.errors import WorkbookError


class CheckFailed(WorkbookError):
    """A claim is not true (yet)."""


def check(claim: str, holds: bool | Callable[[], bool], hint: str = "") -> None:
    """Print `✓` and the claim if it is true.

    Args:
        claim: what should be true now, in words.
        holds: whether it is true, or a function that finds out.
        hint: the next thing to try if it is not.

    Raises:
        CheckFailed: it is not true; the error has the claim and the hint.
    """
    if not (holds() if callable(holds) else holds):
        raise CheckFailed(f"✗ {claim}: not so.", fix=hint or "Run the cells above again, from `begin(…)` on.")
    print(f"✓ {claim}")
