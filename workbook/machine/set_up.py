"""Set up everything: Docker engine, cluster, base images."""

import time

from workbook.base.lock import lock
from workbook.cluster import ready
from workbook.cluster.choose import choose, remember
from workbook.cluster.current import current
from workbook.engine.build import base
from workbook.engine.catalog import bases, catalog
from workbook.machine.checks import require


def up() -> None:
    """Set up the engine, the cluster and the base images. A second run keeps what exists, and takes seconds.

    Raises:
        WorkbookError: the machine is too small, another process is setting up, or a step failed.
    """
    begun = time.monotonic()
    cluster = current()
    require(cluster.engine)
    _, reason = choose()
    print(f"Cluster {cluster.name!r}: {cluster.describe()}\n  (chosen because {reason})")
    with lock(cluster.folder / "lock", "set-up"):
        remember(
            cluster.folder, cluster.provider
        )  # first, so that `make clean` can remove a cluster that fails to start
        api = cluster.start()
        for purpose in bases(catalog()):
            base(cluster.docker(), purpose, cluster.settings.bundle)
        ready.settle(cluster, api)
        ready.provide_kubectl(cluster)  # again: the program may have moved
    print(f"Set up in {time.monotonic() - begun:.0f} s.\n")
