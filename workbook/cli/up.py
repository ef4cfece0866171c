"""`make up`: set everything up, and stop there."""

from workbook.machine import set_up


def up() -> None:
    """Set up the engine, the cluster and the base images."""
    set_up.up()
