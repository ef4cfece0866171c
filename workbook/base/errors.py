"""The base class of all errors that the workbook raises for its readers."""

import traceback

from workbook.base.commands import for_this_system
from workbook.base.log import debugging


class WorkbookError(Exception):
    """An error written for the reader: what is wrong, why, and what to do next.

    Args:
        what: the fact, in one sentence.
        why: the cause, or the evidence for it (the last lines of a failed command's output, an event).
        fix: the next step, as something to type or click; see `for_this_system`.
    """

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        self.what, self.why, self.fix = what, why, for_this_system(fix)
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = (self.what, self.why and f"Why: {self.why}", self.fix and f"Do:  {self.fix}")
        return "\n".join(filter(None, parts))

    def _render_traceback_(self) -> list[str]:
        # IPython calls this instead of rendering its own traceback: readers need the message, not the stack.
        if debugging():
            return "".join(traceback.format_exception(self)).splitlines()
        return [f"{type(self).__name__}: {self}"]


class NotPossible(WorkbookError):
    """What a notebook needs cannot be had on this machine or on this cluster. Tests then skip the rest of the notebook."""
