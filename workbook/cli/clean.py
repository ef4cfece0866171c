"""`make clean`: remove everything that the workbook made, and print each removal."""

import re
import shutil

from workbook.base import labels
from workbook.base.paths import ROOT
from workbook.base.steps import step
from workbook.cluster.current import made
from workbook.engine import daemon
from workbook.engine.catalog import catalog
from workbook.engine.find import running_engine
from workbook.engine.pull import pulled

NODE_IMAGES = re.compile(r"workbook-(node|node-base|python|jdk|debian):")
"""The tags of images that node/ builds."""


def clean() -> None:
    """Remove clusters, images, kind's network if it is unused, and build/; stop an engine that the workbook started.

    The command line then removes the workbook's folder and the Python environment, outside of that environment.
    What the workbook did not make is kept: other clusters, other images, and the packages of the system.
    """
    for cluster in made():
        cluster.delete()
    _clean_engine()
    daemon.stop()
    if (build := ROOT / "build").exists():
        with step(f"Remove {build}"):
            shutil.rmtree(build)


def _clean_engine() -> None:
    if (engine := running_engine()) is None:
        return
    own = {*catalog(), *pulled()}
    for image in engine.images.list():
        for tag in {*image.tags, *image.attrs.get("RepoDigests", [])}:
            if tag in own or NODE_IMAGES.match(tag):
                with step(f"Remove the image {tag}"):
                    engine.images.remove(tag, force=True)
    engine.images.prune({"dangling": True, "label": labels.SELECTOR})
    for network in engine.networks.list(names=["^kind$"]):
        network.reload()
        if not network.containers:
            with step(f"Remove the network {network.name}"):
                network.remove()
