"""Set up everything: Docker engine, cluster, base images. Other processes can follow this: see `journal`."""

import time
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.polling import poll
from workbook.base.steps import step
from workbook.cluster import ready
from workbook.cluster.choose import choose, remember
from workbook.cluster.current import current
from workbook.cluster.protocol import Cluster
from workbook.engine.build import base
from workbook.engine.catalog import bases, catalog
from workbook.machine import journal
from workbook.machine.checks import require

LONGEST = 3600  # seconds to wait for a set-up that another process runs
PATIENCE = 600  # seconds to wait for a notebook that is changing the cluster


def up(cluster: Cluster | None = None) -> None:
    """Set up the engine, the cluster and the base images. A second run keeps what exists, and takes seconds.

    If another process is setting up the same cluster, this first waits for it.

    Args:
        cluster: the current one when None.

    Raises:
        WorkbookError: the machine is too small, a notebook does not stop changing the cluster, or a step failed.
    """
    begun = time.monotonic()
    cluster = cluster or current()
    _wait(cluster.folder)
    with lock(journal.lock_file(cluster.folder), "set-up", LONGEST), journal.recorded(cluster.folder):
        require(cluster.engine)
        _, reason = choose(cluster.settings)
        print(f"Cluster {cluster.name!r}: {cluster.describe()}\n  (chosen because {reason})")
        with lock(cluster.folder / "lock", "set-up", PATIENCE):
            # First, so that `make clean` can remove a cluster that fails to start.
            remember(cluster.folder, cluster.provider)
            api = cluster.start()
            for purpose in bases(catalog()):
                base(cluster.docker(), purpose, cluster.settings.bundle)
            ready.settle(cluster, api)
            ready.provide_kubectl(cluster)  # again: the program may have moved
    print(f"Set up in {time.monotonic() - begun:.0f} s.\n")


def complete(cluster: Cluster) -> None:
    """Wait for a set-up of the cluster that another process runs. Repeat one that has failed before, or was interrupted.

    It does nothing if the last set-up is complete, or if there was none. If only a later part has failed, such as a base
    image, this is no reason to stop: the cluster runs, and `build` tries again.

    Raises:
        WorkbookError: the set-up failed; the error is that of the other process, or of the repetition.
    """
    waited = _wait(cluster.folder)
    found = journal.read(cluster.folder)
    if found is None or found.complete:
        return
    if found.error and ready.reach(cluster):
        if waited:
            print(f"A part of the set-up failed. {found.error}\nThe notebook starts without that part.")
    elif found.error and waited:
        raise found.error
    else:
        up(cluster)


def _wait(folder: Path) -> bool:
    """Wait for a set-up that another process runs, and show its progress; return whether there was one.

    Raises:
        WorkbookError: it did not end in time.
    """
    if not journal.running(folder):
        return False
    with step("Wait for the set-up") as waiting:

        def ended() -> bool:
            if not (found := journal.read(folder)) or not found.running:
                return True
            waiting.update(found.progress)
            return False

        try:
            poll(ended, timeout=LONGEST)
        except TimeoutError as error:
            why, fix = f"It has not ended within {LONGEST} s.", "End that process, then run this again."
            raise WorkbookError("Another process is setting up the cluster.", why, fix) from error
    return True
