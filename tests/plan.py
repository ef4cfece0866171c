"""How many tests run at once, each in a lane of its own, and the arguments of pytest for that. tests/lanes.py does the rest."""

from importlib.util import find_spec

from workbook.base.paths import ROOT
from workbook.machine.lanes import room

FOLDERS = sorted({path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tests").glob("*/test_*.py")})


def lanes(wanted: int) -> int:
    """Return how many lanes the tests get; print why, if that is fewer than `wanted`."""
    if wanted > 1 and not find_spec("xdist"):
        print(f"Lanes: 1, and not {wanted}: pytest-xdist is not installed.")
        return 1
    return room(wanted)


def arguments(lanes: int, chosen: list[str]) -> list[str]:
    """Return the arguments of pytest for a run in lanes.

    Args:
        lanes: their number.
        chosen: the arguments from the command line. If there are none, all folders are named, since pytest's first process,
            which does not look for tests, only reads the conftest.py of folders that are named.
    """
    spread = [f"--numprocesses={lanes}", "--no-loadscope-reorder", "--max-worker-restart=0"]
    return ["--nbval", *spread, *(chosen or [*FOLDERS, "notebooks"])]
