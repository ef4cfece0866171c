"""How many tests run at once, each in a lane of its own, and the arguments of pytest for that. tests/lanes.py does the rest."""

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise

from workbook.base.paths import ROOT
from workbook.machine.lanes import room

WITHOUT_CLUSTER = "--without-cluster"
VALUED = ("-k", "-m", "--deselect", "--ignore")
"""Options of pytest whose value, the next word, may be the name of a file or folder, and does not choose it."""
FOLDERS = sorted({path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tests").glob("*/test_*.py")})


def lanes(wanted: int, chosen: Sequence[str]) -> int:
    """Return how many lanes the tests get; print why, if that is fewer than `wanted`.

    Args:
        wanted: their number from the command line.
        chosen: the other arguments.
    """
    if wanted > 1 and WITHOUT_CLUSTER in chosen:
        print(f"Lanes: 1, and not {wanted}: each lane has a cluster, and {WITHOUT_CLUSTER} starts none.")
        return 1
    if wanted > 1 and not find_spec("xdist"):
        print(f"Lanes: 1, and not {wanted}: pytest-xdist is not installed.")
        return 1
    return room(wanted)


def arguments(lanes: int, chosen: list[str]) -> list[str]:
    """Return the arguments of pytest for a run in lanes.

    Args:
        lanes: their number.
        chosen: the arguments from the command line. If they name no tests, all folders are named, since pytest's first
            process, which does not look for tests, only reads the conftest.py of folders that are named.
    """
    spread = [f"--numprocesses={lanes}", "--no-loadscope-reorder", "--max-worker-restart=0"]
    return ["--nbval", *spread, *([] if _names_tests(chosen) else [*FOLDERS, "notebooks"]), *chosen]


def _names_tests(chosen: Sequence[str]) -> bool:
    """Whether one of these arguments is an existing file or folder, or a test in a file."""
    words = [word for option, word in pairwise(["", *chosen]) if word and option not in VALUED]
    return any((ROOT / word.partition("::")[0]).exists() for word in words)
