"""`make clean`: nothing of the workbook stays, and it says what it removed."""

import re
import shutil

from workbook.base.paths import ROOT
from workbook.base.steps import step
from workbook.cluster import choose as cluster
from workbook.engine.build import catalog
from workbook.engine.find import running_engine, stop_engine
from workbook.engine.pull import pulled

NETWORK = "kind"
OWN = re.compile(r"workbook-(node|node-base|python|jdk|debian):")
"""The tags of images that node/ makes."""


def clean() -> None:
    """Removes clusters, images, networks and the executed notebooks, and stops an engine that was started here.

    The files in `workbook.base.paths.home()` and the virtual environment are removed by the caller, which runs outside both.
    What the workbook did not make stays: other clusters, other images, and the packages of the system.
    """
    for ours in cluster.made():
        ours.delete()
    _engine()
    stop_engine()
    if (build := ROOT / "build").exists():
        with step(f"Remove {build}"):
            shutil.rmtree(build)


def _engine() -> None:
    """Takes out of the engine what the workbook has put there."""
    if (engine := running_engine()) is None:
        return
    mine = {*catalog(), *pulled()}
    for image in engine.images.list():
        for tag in {*image.tags, *image.attrs.get("RepoDigests", [])}:
            if tag in mine or OWN.match(tag):
                with step(f"Remove the image {tag}"):
                    engine.images.remove(tag, force=True)
    engine.images.prune({"dangling": True, "label": cluster.LABEL})
    for network in engine.networks.list(names=[f"^{NETWORK}$"]):
        network.reload()
        if not network.containers:  # else it serves somebody else's kind clusters
            with step(f"Remove the network {network.name}"):
                network.remove()
