"""The images of a class in a browser: that of the hub, that of a learner's desk, and copies of the applications' base images."""

import hashlib
import tarfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, cast

import node
from workbook.base.errors import WorkbookError
from workbook.base.own_files import own_files
from workbook.base.paths import ROOT
from workbook.base.steps import step
from workbook.bundle.use import Bundle
from workbook.cluster.protocol import Cluster
from workbook.engine.build import base
from workbook.engine.proxies import proxies
from workbook.engine.pull import present

if TYPE_CHECKING:
    from docker import DockerClient

FOLDER = ROOT / "classroom" / "hub"

DEVELOPERS = ("tests", "bench", "conftest.py", ".ci", ".devcontainer", ".github")
"""What a learner's desk doesn't have."""


def provide(cluster: Cluster) -> dict[str, str]:
    """Build the images `hub` and `desk` from this repository, unless they are up to date, and load them onto the nodes.

    Returns:
        The names under which Pods use them.

    Raises:
        WorkbookError: an image could not be built or loaded, or this is not a git clone.

    Documentation: https://docs.docker.com/build/building/multi-stage/
    """
    files = own_files()
    of_desk = [path for path in files if path.relative_to(ROOT).parts[0] not in DEVELOPERS]
    of_hub = [path for path in files if FOLDER in path.parents or path == ROOT / "locks" / "hub.txt"]
    tags = {"hub": _build(cluster, "hub", of_hub), "desk": _build(cluster, "desk", of_desk)}
    cluster.load(*tags.values())
    return {target: cluster.reference(tag) for target, tag in tags.items()}


def _build(cluster: Cluster, target: str, files: Iterable[Path]) -> str:
    """Build one target of the Dockerfile from these files, unless the engine has it; return its tag."""
    engine, context = cluster.docker(), _archive(files)
    origin = base(engine, "python", cluster.settings.bundle)
    tag = f"workbook-{target}:{hashlib.sha256(origin.encode() + context).hexdigest()[:12]}"
    if present(engine, tag):
        return tag
    with step(f"Build the image {tag}") as running:
        lines: list[str] = []
        for message in engine.api.build(
            fileobj=BytesIO(context),
            custom_context=True,
            dockerfile=(FOLDER / "Dockerfile").relative_to(ROOT).as_posix(),
            target=target,
            tag=tag,
            buildargs={"BASE": origin, **proxies()},
            rm=True,
            forcerm=True,
            decode=True,
        ):
            if "error" in message:
                raise WorkbookError(
                    f"The image {tag} was not built: {message['error'].strip()}",
                    "".join(lines[-20:]).strip(),
                    "Connect to a network with the registries of Debian, PyPI and npm. Then run this again.",
                )
            lines.append(message.get("stream", ""))
            running.update(lines[-1].strip())
    node.remove_older(engine, tag)  # on minikube, Pods use the older one
    return tag


def _archive(files: Iterable[Path]) -> bytes:
    """Pack files into a tar archive that only depends on their names, contents and permissions."""
    content = BytesIO()
    with tarfile.open(fileobj=content, mode="w") as out:
        for path in files:
            data, entry = path.read_bytes(), tarfile.TarInfo(path.relative_to(ROOT).as_posix())
            entry.size, entry.mode = len(data), 0o755 if path.stat().st_mode & 0o100 else 0o644
            out.addfile(entry, BytesIO(data))
    return content.getvalue()


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
