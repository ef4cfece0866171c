"""`make doctor`: is this machine ready for a class? It changes nothing, and needs only the standard library."""

import contextlib
import io
import json
import platform
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from workbook.base.errors import WorkbookError
from workbook.machine.checks import CHECKS, findings
from workbook.machine.findings import Facts, Finding

CHECK_SECONDS, TOTAL_SECONDS = 6, 12
"""How long one check, and all of them together, may take."""


def doctor(as_json: bool = False) -> int:
    """Print a line per check, and the fix of each that failed.

    Args:
        as_json: print one JSON object instead: `ready` (no check failed), `checks` (a list of objects with `check`,
            `ok`, `needed`, `found` and `fix`; `ok` is true, false, or null for a note that prevents nothing), and
            `versions` (by the name of the program).

    Returns:
        The exit status: 0, or 1 when a check failed.
    """
    facts = Facts()
    with contextlib.redirect_stdout(io.StringIO()):  # the progress that functions print while a reader waits
        found = list(findings(CHECKS, facts, _Deadline(TOTAL_SECONDS).call))
    ready = all(finding.good is not False for finding in found)
    print(json.dumps(_report(found, facts, ready), indent=2, ensure_ascii=False) if as_json else _text(found, ready))
    return 0 if ready else 1


def _report(found: list[Finding], facts: Facts, ready: bool) -> dict[str, Any]:
    checks = [
        {"check": one.check, "ok": one.good, "needed": one.needed, "found": one.found, "fix": one.fix} for one in found
    ]
    return {"ready": ready, "checks": checks, "versions": {"system": platform.platform(), **facts.versions}}


def _text(found: list[Finding], ready: bool) -> str:
    width = max(len(finding.check) for finding in found)
    lines = []
    for finding in found:
        needed = f"  (needed: {finding.needed})" if finding.needed and finding.good is not True else ""
        lines.append(f"{finding.sign} {finding.check:<{width}}  {finding.found}{needed}")
        if finding.fix:
            lines.append(f"  {'':<{width}}  Do: {finding.fix}")
    failed = [finding.check for finding in found if finding.good is False]
    lines += ["", "This machine is ready." if ready else f"This machine is not ready: {', '.join(failed)}."]
    return "\n".join(lines)


class _Deadline:
    """The time for all checks together."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def call(self, check: Callable[[], Finding | None]) -> Finding | None:
        """Call a check in a thread of its own, which is abandoned when it hangs.

        Raises:
            TimeoutError: the check took too long.
            WorkbookError: from the check; also in place of an exception that the check does not expect.
            ModuleNotFoundError: a package is missing.
        """
        results: SimpleQueue[Finding | WorkbookError | ModuleNotFoundError | None] = SimpleQueue()

        def run() -> None:
            try:
                results.put(check())
            except (WorkbookError, ModuleNotFoundError) as error:
                results.put(error)
            except Exception as error:  # a broken machine can cause any error; the other checks go on
                results.put(WorkbookError(f"{type(error).__name__}: {error}", fix="Fix what the error names."))

        seconds = max(0.1, min(CHECK_SECONDS, self._end - time.monotonic()))
        threading.Thread(target=run, daemon=True).start()
        try:
            result = results.get(timeout=seconds)
        except Empty:
            raise TimeoutError(f"no answer within {seconds:.0f} s") from None
        if isinstance(result, Exception):
            raise result
        return result
