"""Run the tests, record the notebooks, try other versions, or pin packages: `python -m tests VERB [arguments]`, as `make test` does."""

import argparse
import os
import shutil
import subprocess
import sys

import pytest

from tests import plan
from tests.lane import NO_LANES
from tests.lock import lock
from tests.record import record
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.streams import replace_missing_characters

FOLDERS = {
    "test": (),
    "mutants": ("tests/mutants",),
    "test-order": ("tests/order",),
    "faults": ("tests/faults",),
    "offline": ("tests/offline",),
    "class-test": ("tests/classroom",),
}
"""The folder that each verb tests; `test` runs everything that is not slow."""
IN_LANES = ("test", "test-order")
"""The verbs whose tests may run at once. Those of the others break, replace or measure what all lanes share."""
SLOW_TOO = ("-m", "")
"""An empty selection, in place of the one in pyproject.toml that leaves out slow tests."""


def main() -> int:
    """Run pytest, with the notebooks as tests; return its exit status. conftest.py sets up the cluster."""
    parser = argparse.ArgumentParser(prog="python -m tests", allow_abbrev=False, add_help=False)
    parser.add_argument("verb", choices=(*FOLDERS, "record", "matrix", "lock"))
    parser.add_argument("--lanes", type=int, default=1)
    options, arguments = parser.parse_known_args()
    replace_missing_characters()
    if options.verb == "record":
        return record(*arguments)
    if options.verb == "matrix":
        from tests.matrix import matrix  # here: it imports some of pytest's plugins, which pytest must load itself

        return matrix(*arguments)
    if options.verb == "lock":
        lock(*arguments)
        return 0
    if options.verb == "offline":
        require_namespaces()
    os.chdir(ROOT)
    chosen = [*FOLDERS[options.verb], *SLOW_TOO] if FOLDERS[options.verb] else []
    if options.verb in IN_LANES and (number := plan.lanes(options.lanes, arguments)) > 1:
        status = pytest.main(plan.arguments(number, [*chosen, *arguments]))
        if status != NO_LANES:
            return status
        return subprocess.call([sys.executable, "-m", "tests", options.verb, *arguments])
    return pytest.main(["--nbval", *chosen, *arguments])


def require_namespaces() -> None:
    """Refuse a machine on which an isolated network cannot be created.

    Raises:
        WorkbookError: names what is missing.
    """
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in ("ip", "nsenter", "dockerd", "iptables") if not shutil.which(name, path=path)]
    if sys.platform != "linux" or os.geteuid() != 0 or missing:
        raise WorkbookError(
            "The run without a network needs root on Linux, and a Docker engine that can be started a second time.",
            f"Missing: {', '.join(missing)}." if missing else "It makes a network namespace with an engine of its own.",
            "Run it there as root, such as in a virtual machine: `sudo make offline`.",
        )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except WorkbookError as error:
        sys.exit(f"\n{error}")
