"""`make doctor`: check whether this machine is ready for a class. It changes nothing, and needs only the standard library."""

import contextlib
import io
import json
import platform
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from functools import partial

from workbook.base.errors import WorkbookError
from workbook.machine.checks import CHECKS, findings
from workbook.machine.findings import Facts, Finding

CHECK_SECONDS, TOTAL_SECONDS = 6, 12  # time limits for one check, and for all checks together


def doctor(as_json: bool = False) -> int:
    """Print a line per check, and the fix for each failed check; return the exit status, which is 1 if a check failed.

    Args:
        as_json: print one JSON object instead: `ready` (no check failed), `checks` (the fields of each `Finding`), and
            `versions` (by the name of the program).
    """
    facts = Facts()
    with contextlib.redirect_stdout(io.StringIO()):  # hides the progress that functions print
        found = list(findings(CHECKS, facts, partial(_answer, end=time.monotonic() + TOTAL_SECONDS)))
    failed = [finding.check for finding in found if finding.ok is False]
    if as_json:
        versions = {"system": platform.platform(), **facts.versions}
        report = {"ready": not failed, "checks": [asdict(finding) for finding in found], "versions": versions}
        print(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _print(found)
        print(f"\nThis machine is not ready: {', '.join(failed)}." if failed else "\nThis machine is ready.")
    return 1 if failed else 0


def _print(found: list[Finding]) -> None:
    width = max(len(finding.check) for finding in found)
    for finding in found:
        needed = f"  (needed: {finding.needed})" if finding.needed and not finding.ok else ""
        print(f"{finding.sign} {finding.check:<{width}}  {finding.found}{needed}")
        if finding.fix:
            print(f"  {'':<{width}}  Do: {finding.fix}")


def _answer(check: Callable[[], Finding | None], end: float) -> Finding | None:
    """Call a check in a separate thread, which is abandoned if it hangs, or at `end` (by `time.monotonic`)."""
    answer: Future[Finding | None] = Future()

    def run() -> None:
        try:
            answer.set_result(check())
        except (WorkbookError, ModuleNotFoundError) as error:
            answer.set_exception(error)
        except Exception as error:  # a broken machine can cause any error; the other checks continue
            answer.set_exception(WorkbookError(f"{type(error).__name__}: {error}", fix="Fix what the error names."))

    seconds = max(0.1, min(CHECK_SECONDS, end - time.monotonic()))
    threading.Thread(target=run, daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from None
