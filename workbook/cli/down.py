"""`make down`: stop the workbook's clusters."""

from workbook.base.lock import lock
from workbook.cluster.current import made


def down() -> None:
    """Stop every cluster that the workbook has made. What is deployed on them is kept."""
    for cluster in made():
        with lock(cluster.folder / "lock", "stop"):
            cluster.stop()
