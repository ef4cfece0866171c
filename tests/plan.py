"""How many tests run at once, each in a lane of its own, and the arguments of pytest for that. tests/lanes.py does the rest."""

from importlib.util import find_spec

import psutil

from workbook.base.paths import ROOT
from workbook.cluster.choose import Provider, choose

FIRST_GB, EACH_GB = 6, 3
"""The memory that must be available for one lane, with the second clusters of some tests, and for each other lane."""
FOLDERS = sorted({path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tests").glob("*/test_*.py")})


def lanes(wanted: int) -> int:
    """Return how many lanes the tests get; print why, if that is fewer than `wanted`."""
    available = psutil.virtual_memory().available / 2**30
    room = max(1, int((available - FIRST_GB) // EACH_GB) + 1)
    why = ""
    if wanted > 1 and not find_spec("xdist"):
        room, why = 1, "pytest-xdist is not installed"
    elif wanted > 1 and choose()[0] is not Provider.KIND:
        room, why = 1, "they share the images in one engine, and only kind's clusters do"
    elif wanted > room:
        why = f"{available:.1f} GB of memory are available, and {wanted} need {FIRST_GB + EACH_GB * (wanted - 1)} GB"
    if why:
        print(f"Lanes: {room}, and not {wanted}: {why}.")
    return min(room, wanted)


def arguments(lanes: int, chosen: list[str]) -> list[str]:
    """Return the arguments of pytest for a run in lanes.

    Args:
        lanes: their number.
        chosen: the arguments from the command line. If there are none, all folders are named, since pytest's first process,
            which does not look for tests, only reads the conftest.py of folders that are named.
    """
    spread = [f"--numprocesses={lanes}", "--no-loadscope-reorder", "--max-worker-restart=0"]
    return ["--nbval", *spread, *(chosen or [*FOLDERS, "notebooks"])]
