"""`make down`: stop the workbook's clusters."""

from workbook.base.lock import lock
from workbook.cluster import choose as cluster


def down() -> None:
    """Stop every cluster that the workbook has made. What is deployed on them is kept."""
    for made in cluster.made():
        with lock(cluster.folder(made.name) / "lock", "stop"):
            made.stop()
