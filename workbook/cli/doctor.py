"""`make doctor`: is this machine ready for a class? Looks, changes nothing, and needs only the standard library."""

import contextlib
import io
import json
import platform
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from workbook.base.errors import WorkbookError
from workbook.machine.checks import CHECKS, findings
from workbook.machine.findings import Facts, Finding

ONE, ALL = 6, 12
"""Seconds that one check, and all of them together, may take."""


def doctor(form: str = "") -> int:
    """Prints what was found: a line per check, and below it what to do.

    Args:
        form: `"--json"` prints one JSON object instead: `ready` (no check has failed), `checks` (a list of objects with
            `check`, `ok`, `needed`, `found` and `fix`; `ok` is true, false, or null for a note that is no obstacle), and
            `versions` (of what was found, by name).

    Returns:
        The exit status: 0, or 1 when a check has failed.
    """
    facts = Facts()
    with contextlib.redirect_stdout(io.StringIO()):  # what a check's helpers would tell a reader who waits
        found = list(findings(CHECKS, facts, _Budget().spend))
    ready = all(one.good is not False for one in found)
    if form == "--json":
        print(json.dumps(_report(found, facts, ready), indent=2, ensure_ascii=False))
    else:
        print(_text(found, ready))
    return 0 if ready else 1


def _report(found: list[Finding], facts: Facts, ready: bool) -> dict:
    return {
        "ready": ready,
        "checks": [
            {"check": one.check, "ok": one.good, "needed": one.needed, "found": one.found, "fix": one.fix}
            for one in found
        ],
        "versions": {"system": platform.platform(), **facts.versions},
    }


def _text(found: list[Finding], ready: bool) -> str:
    wide = max(len(one.check) for one in found)
    lines = []
    for one in found:
        needed = f"  (needed: {one.needed})" if one.needed and one.good is not True else ""
        lines.append(f"{one.sign} {one.check:<{wide}}  {one.found}{needed}")
        if one.fix:
            lines.append(f"  {'':<{wide}}  Do: {one.fix}")
    failed = [one.check for one in found if one.good is False]
    lines += ["", "This machine is ready." if ready else f"This machine is not ready: {', '.join(failed)}."]
    return "\n".join(lines)


class _Budget:
    """The time for all checks together; each is called in a thread of its own, which is left behind when it hangs."""

    def __init__(self) -> None:
        self.end = time.monotonic() + ALL

    def spend(self, check: Callable[[], Finding | None]) -> Finding | None:
        """Calls the check. Raises what it raises, and TimeoutError when its time is up."""
        answers: SimpleQueue = SimpleQueue()

        def call() -> None:
            try:
                answers.put((check(), None))
            except (WorkbookError, ModuleNotFoundError) as error:
                answers.put((None, error))
            except Exception as error:  # a look at a broken machine must not end over what it sees
                answers.put((None, WorkbookError(f"{type(error).__name__}: {error}", fix="Mend what is named.")))

        seconds = max(0.1, min(ONE, self.end - time.monotonic()))
        threading.Thread(target=call, daemon=True).start()
        try:
            found, error = answers.get(timeout=seconds)
        except Empty:
            raise TimeoutError(f"no answer within {seconds:.0f} s") from None
        if error:
            raise error
        return found
