"""Set everything up: Docker engine, cluster, base images."""

import time

from workbook.base.lock import lock
from workbook.cluster import choose as cluster
from workbook.cluster import ready
from workbook.engine import build as building
from workbook.machine.checks import require


def up() -> None:
    """Set up the engine, the cluster and the base images. A second run takes seconds: what exists is kept.

    Raises:
        WorkbookError: the machine is too small, another process is setting up, or a step failed.
    """
    begun = time.monotonic()
    require()
    ours = cluster.current()
    _, why = cluster.choose()
    print(f"Cluster {ours.name!r}: {ours.describe()}\n  (chosen because {why})")
    with lock(cluster.folder(ours.name) / "lock", "set-up"):
        cluster.remember()  # first, so that a cluster that only half starts can be found and removed
        ours.start()
        engine = ours.docker()
        for purpose in building.bases(building.catalog()):
            building.base(engine, purpose)
        ready.settle(ours)
    print(f"Set up in {time.monotonic() - begun:.0f} s.\n")
