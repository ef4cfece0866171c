"""The polling loop for conditions that no event reports."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def poll(check: Callable[[], T | None], *, timeout: float, every: float = 0.2) -> T:
    """Call `check` until it returns a truthy value, and return that value.

    Args:
        check: called at least once, and one last time after the timeout.
        timeout: seconds.
        every: seconds between two calls.

    Raises:
        TimeoutError: `check` returned no truthy value in time.
    """
    deadline = time.monotonic() + timeout
    while not (result := check()):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"Timed out after {timeout:g} s.")
        time.sleep(min(every, left))
    return result
