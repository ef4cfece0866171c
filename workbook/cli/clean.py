"""`make clean`: remove everything that the workbook created, and print each removal."""

import re
import shutil
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.paths import ROOT, clusters
from workbook.base.steps import step
from workbook.cluster.current import made
from workbook.engine import daemon
from workbook.engine.catalog import catalog
from workbook.engine.find import running_engine
from workbook.engine.homes import PULLED, leave, notes
from workbook.machine import journal

if TYPE_CHECKING:
    from docker import DockerClient

BUILT = re.compile(r"workbook-(node|node-base|python|jdk|debian|network|hub|desk):")
"""The tags of the images that node/ builds, and of those for a class in a browser."""


def clean() -> None:
    """Remove clusters, images, kind's network if it is unused, and build/; stop an engine that the workbook started.

    The command line then removes the workbook's folder and the Python environment, from outside of that environment.
    It keeps everything that the workbook did not create: other clusters, other images, and the system's packages. It also
    keeps what a container or another copy of the workbook uses.

    Raises:
        Busy: a set-up is running, for example that of `make lab` in another terminal.
        WorkbookError: a cluster could not be deleted; everything else is removed before.
    """
    with ExitStack() as held:
        for folder in clusters().glob("*/"):
            held.enter_context(lock(journal.lock_file(folder), "clean"))
        _clean()


def _clean() -> None:
    kept = []
    for cluster in made():
        try:
            cluster.delete()
        except WorkbookError as error:
            print(f"\n{error}\n", file=sys.stderr, flush=True)
            kept.append(cluster.name)
    engine = running_engine()
    if users := _clean_engine(engine) if engine else []:
        print(f"Keeping the Docker engine: {users[0]} uses it.")
    else:
        daemon.stop()
    if (build := ROOT / "build").exists():
        with step(f"Remove {build}"):
            shutil.rmtree(build)
    if kept:
        raise WorkbookError(
            f"These clusters were not deleted: {', '.join(kept)}.",
            "Their errors are above. The workbook's folder stays, because it has the list of clusters.",
            "Do what the errors say, then run `make clean` again.",
        )


def _clean_engine(engine: "DockerClient") -> list[str]:
    """Remove unused objects from the engine; return its remaining users, in words."""
    others = [f"the workbook with its files in {folder}" for folder in leave(engine)]
    if not others:
        for container in engine.containers.list(all=True, filters={"label": labels.SELECTOR}):
            with step(f"Remove the container {container.name}"):  # left by an interrupted step
                container.remove(force=True)
    containers = engine.api.containers(all=True)
    users = {each["ImageID"]: _describe(each) for each in containers}
    pulled = {re.sub(":[^:/@]+@", "@", image): volume for image, volume in notes(engine, PULLED).items()}
    for image in engine.images.list():
        names = {*image.tags, *image.attrs.get("RepoDigests", [])}
        own = names & pulled.keys() | {name for name in names if BUILT.match(name)}
        if labels.is_managed(image.labels):
            own |= names & catalog().keys()
        for name in sorted(own):
            if user := users.get(str(image.id)) or next(iter(others), ""):
                print(f"Keeping the image {name}: {user} uses it.")
                continue
            with step(f"Remove the image {name}"):
                engine.images.remove(name)
            if name in pulled:
                pulled[name].remove()
    if not others:
        engine.images.prune({"dangling": True, "label": labels.SELECTOR})
    for network in engine.networks.list(names=["^kind$"]):
        if not engine.api.containers(all=True, filters={"network": network.name}):  # stopped ones, too
            with step(f"Remove the network {network.name}"):
                network.remove()
    return others + [_describe(each) for each in containers if each["State"] == "running"]


def _describe(container: dict[str, Any]) -> str:
    return f"the container {(container['Names'] or [container['Id']])[0].lstrip('/')}"
