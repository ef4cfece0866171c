"""The images of a class in a browser: that of the hub, that of a learner's desk, and copies of the applications' base images."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from workbook.base.own_files import own_files
from workbook.base.paths import ROOT
from workbook.bundle.use import Bundle
from workbook.cluster.protocol import Cluster
from workbook.engine.build import base
from workbook.engine.packages import built, packages

if TYPE_CHECKING:
    from docker import DockerClient

FOLDER = ROOT / "classroom" / "hub"

DEVELOPERS = ("tests", "bench", "conftest.py", ".ci", ".devcontainer", ".github")
"""What a learner's desk doesn't have."""


def provide(cluster: Cluster) -> dict[str, str]:
    """Build the images `hub` and `desk` from this repository, unless they are up to date, and load them onto the nodes.

    Their packages are in images that take a network, or come from a bundle. Adding the repository's files takes no network.

    Returns:
        The names under which Pods use them.

    Raises:
        WorkbookError: an image could not be built or loaded; or this is not a git clone, and there is no bundle.
    """
    engine, bundle = cluster.docker(), cluster.settings.bundle
    files = own_files(bundle.workbook if bundle else None)
    contents = {
        "hub": [path for path in files if FOLDER in path.parents],
        "desk": [path for path in files if path.relative_to(ROOT).parts[0] not in DEVELOPERS],
    }
    tags = {
        name: built(engine, f"workbook-{name}:", FOLDER / f"{name}.Dockerfile", contents[name], {"PACKAGES": origin})
        for name, origin in packages(engine, bundle).items()
    }
    cluster.load(*tags.values())
    return {name: cluster.reference(tag) for name, tag in tags.items()}


def original(engine: "DockerClient", purpose: str, bundle: Bundle | None) -> str:
    """Return the ID of the base image for a purpose, a key of `OFFICIAL`; pull or make the image if `engine` lacks it."""
    return str(engine.images.get(base(engine, purpose, bundle)).id)


def copy_base(engine: "DockerClient", original: str, name: str, target: Path) -> None:
    """Write a copy of a base image to an archive, as one layer.

    Podman refuses to build on an image that doesn't state how its layers were made, such as those that `node` writes.

    Args:
        engine: the engine that has the image.
        original: its ID.
        name: the name and tag of the copy.
        target: the file to write.
    """
    config = engine.images.get(original).attrs["Config"]
    container = engine.containers.create(original, "none")
    try:
        with target.open("wb") as out:
            out.writelines(cast("Iterable[bytes]", container.export()))  # its stub says str
    finally:
        container.remove()
    changes = [f'ENV {name}="{value}"' for name, _, value in (line.partition("=") for line in config["Env"])]
    repository, _, tag = f"workbook-class/{name}".partition(":")
    engine.api.import_image(src=str(target), repository=repository, tag=tag, changes=changes)
    try:
        with target.open("wb") as out:
            out.writelines(engine.images.get(f"{repository}:{tag}").save(named=True))
    finally:
        engine.images.remove(f"{repository}:{tag}")
