"""The images with the packages of a class in a browser: the bundle's, or built from the packages of registries."""

import hashlib
import tarfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import node
from node.cache import HASH
from workbook.base.paths import ROOT
from workbook.bundle.manifest import CLASS, class_packages
from workbook.bundle.use import Bundle
from workbook.engine.build import base, build_archive
from workbook.engine.pull import load, present

if TYPE_CHECKING:
    from docker import DockerClient


def packages(engine: "DockerClient", bundle: Bundle | None = None) -> dict[str, str]:
    """Provide the images with the packages of a class in `engine`. Building them takes about five minutes.

    The workbook's own files are not in them: these change often, and adding them takes no network.

    Args:
        engine: the engine that needs them.
        bundle: the bundle that contains them, if there is one.

    Returns:
        The tag of each image in `CLASS`.

    Raises:
        WorkbookError: the bundle has no such images, or a build failed.

    Documentation: https://docs.docker.com/build/building/multi-stage/
    """
    if bundle:
        return {name: load(engine, *bundle.archive(name)) for name in CLASS}
    files = class_packages()
    arguments = {"BASE": base(engine, "python")}
    return {name: built(engine, f"workbook-{name}:packages-", files[0], files, arguments, name) for name in CLASS}


def built(
    engine: "DockerClient",
    beginning: str,
    dockerfile: Path,
    files: Iterable[Path],
    arguments: Mapping[str, str],
    target: str | None = None,
) -> str:
    """Build an image, unless the engine has it, and remove the older ones; return its tag.

    Args:
        engine: the engine that builds it.
        beginning: the beginning of its tag; the rest is a hash of what the image is built from.
        dockerfile: its Dockerfile, one of the files.
        files: the files of the repository that are the build context.
        arguments: the Dockerfile's variables, such as the base image; except those for proxies.
        target: the stage of the Dockerfile to build; None for the last one.

    Raises:
        WorkbookError: as for `build_image`.
    """
    context = _archive(files)
    tag = beginning + hashlib.sha256(repr(sorted(arguments.items())).encode() + context).hexdigest()[:HASH]
    if present(engine, tag):
        return tag
    path = dockerfile.relative_to(ROOT).as_posix()
    build_archive(engine, tag, context, arguments, dockerfile=path, target=target)
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
