"""Lanes: several notebooks or tests at once, each on a cluster of its own, so that one works while another waits.

The first lane has the number 0, and uses the cluster that the environment selects. The others' clusters are temporary.
"""

import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import CommandFailed, run
from workbook.cluster.choose import PROFILE, Provider, Settings, choose
from workbook.cluster.current import made
from workbook.cluster.protocol import State
from workbook.cluster.ready import MORE_INOTIFY

FIRST_GB, EACH_GB = 6, 3
"""The memory that must be available for one lane, with the second cluster of a notebook or a test, and for each other lane."""
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
"""Linux' limit, which all clusters on this machine share. Elsewhere, the engine's virtual machine has it."""
INSTANCES, OTHER_NODES = 27, 3
"""The inotify instances of a node, and the nodes besides those of the lanes: two of a notebook, and one of a test."""
UP = "from workbook.machine.set_up import up; up()"


def room(wanted: int) -> int:
    """Return how many lanes this machine has room for; print why, if that is fewer than `wanted`."""
    found, why = min(_limits(wanted))
    found = max(1, found)
    if wanted > found:
        print(f"Lanes: {found}, and not {wanted}: {why}.")
    return max(1, min(found, wanted))


def _limits(wanted: int) -> Iterator[tuple[int, str]]:
    """Yield the number of lanes that each thing allows, and why it does not allow as many as `wanted`."""
    available = psutil.virtual_memory().available / 2**30
    need = FIRST_GB + EACH_GB * (wanted - 1)
    yield (
        int((available - FIRST_GB) // EACH_GB) + 1,
        f"{available:.1f} GB of memory are available, and {wanted} need {need} GB",
    )
    if wanted > 1 and choose()[0] is not Provider.KIND:
        yield 1, "they share the images in one engine, and only kind's clusters do"
    if INOTIFY.exists():
        allowed = int(INOTIFY.read_text(encoding="ascii"))
        yield (
            allowed // INSTANCES - OTHER_NODES,
            f"Linux allows {allowed} inotify instances, and {wanted} need {INSTANCES * (wanted + OTHER_NODES)}; "
            f"{MORE_INOTIFY} allows more",
        )


def suffix(lane: int) -> str:
    """Return the end of the name of a lane's cluster."""
    return f"-lane-{lane + 1}" if lane else ""


def environment(lane: int) -> dict[str, str]:
    """Return the variables with which a process uses the cluster of a lane."""
    own = Settings.from_environment().own
    return {PROFILE: f"{own}{suffix(lane)}", "WORKBOOK_CLUSTER": Provider.KIND} if lane else {}


def start(lane: int) -> str:
    """Start the temporary cluster of a lane; return what was printed if that failed, or an empty string."""
    try:
        delete([lane])  # of a run that was interrupted
        run([sys.executable, "-c", UP], env=environment(lane), cwd=ROOT)
    except CommandFailed as error:
        return error.output
    except WorkbookError as error:
        return str(error)
    return ""


def delete(lanes: Iterable[int]) -> None:
    """Delete the temporary clusters of these lanes, with those of two nodes, and what is known about them.

    Raises:
        WorkbookError: the engine does not answer, or refuses.
    """
    names = {environment(lane)[PROFILE] for lane in lanes}
    for cluster in made():
        if cluster.settings.own in names:
            if cluster.status() is not State.ABSENT:
                cluster.delete()
            shutil.rmtree(cluster.folder, ignore_errors=True)
