"""Build the workbook's container images, in the engine the cluster's provider names, and bring them to the nodes."""

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import Printed
from workbook.base.steps import step
from workbook.bundle import choose as bundle
from workbook.cluster import choose as cluster
from workbook.engine.pull import present, pull

if TYPE_CHECKING:
    from docker import DockerClient

APP = ROOT / "app"
SOURCE = "kubernetes-workbook.source"
"""The label that holds the fingerprint of an image's source."""
# The official bases, as the Dockerfiles name them.
OFFICIAL = {"python": "python:3.13-slim", "jdk": "eclipse-temurin:21-jdk", "debian": "debian:stable-slim"}
# A build behind a proxy needs these; the builder knows them and keeps them out of the image.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def catalog() -> dict[str, dict[str, Any]]:
    """The images that app/images.toml describes, by name and tag."""
    return tomllib.loads((APP / "images.toml").read_text())


def build(*images: str, log: bool = True) -> None:
    """`docker build` of the workbook's images, then brings them to the cluster's nodes.

    Args:
        images: their names and tags, keys of app/images.toml such as `"web-app:1.0"`.
        log: print the builder's log as it comes.

    Raises:
        WorkbookError: there is no such image here, or a step of its Dockerfile failed; shows that step's log.

    Documentation: https://docs.docker.com/reference/cli/docker/image/build/
    """
    recipes, ours = catalog(), cluster.current()
    for image in images:
        if image not in recipes:
            raise WorkbookError(
                f"The workbook has no image {image!r}.", f"It has {', '.join(recipes)}.", "Correct the name."
            )
    for image in images:
        _build(ours.docker(), image, recipes[image], log)
    ours.load(*images)


def _build(engine: "DockerClient", image: str, recipe: dict[str, Any], log: bool) -> None:
    arguments = {**recipe.get("args", {}), **{name: base(engine, purpose) for name, purpose in recipe["bases"].items()}}
    arguments |= proxies()
    with step(f"Build {image}") as running:
        lines = []
        for message in engine.api.build(
            path=str(APP / recipe["context"]),
            tag=image,
            buildargs=arguments,
            rm=True,
            forcerm=True,
            decode=True,
            labels=cluster.OURS | {SOURCE: _source(recipe)},
        ):
            if "error" in message:
                raise WorkbookError(
                    f"The image {image} was not built: {message['error'].strip()}",
                    "".join(lines[-20:]).strip(),
                    f"Correct app/{recipe['context']}/Dockerfile or what it copies, then run this again.",
                )
            if text := message.get("stream", ""):
                lines.append(text)
                running.update(text.strip())
                if log:
                    print(text, end="", flush=True)


def proxies() -> dict[str, str]:
    """The build arguments that lead a build out of this machine, where it is behind a proxy."""
    return {name: os.environ[name] for name in PROXIES if name in os.environ}


def is_current(engine: "DockerClient", image: str) -> bool:
    """Whether `engine` has the image, built from what its source is now."""
    source = f"{SOURCE}={_source(catalog()[image])}"
    return bool(engine.images.list(filters={"reference": image, "label": source}))


def _source(recipe: dict[str, Any]) -> str:
    """A fingerprint of what an image is made from: its recipe, and the names and contents of its context's files."""
    context = APP / recipe["context"]
    told = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
    for path in sorted(context.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            told.update(path.relative_to(context).as_posix().encode() + b"\0" + path.read_bytes())
    return told.hexdigest()


def docker_run(image: str, *command: str) -> Printed:
    """`docker run --rm`: starts a container of one of the workbook's images, and returns what it printed.

    Args:
        image: its name and tag.
        command: the program and its arguments, instead of those in the Dockerfile.

    Raises:
        WorkbookError: there is no such image, or the program failed.

    Documentation: https://docs.docker.com/reference/cli/docker/container/run/
    """
    from docker.errors import ContainerError, ImageNotFound

    program, *arguments = command
    try:
        output = (
            cluster.current()
            .docker()
            .containers.run(
                image,
                arguments,
                entrypoint=program,
                remove=True,
                stderr=True,
                network_mode="none",
                labels=cluster.OURS,
            )
        )
    except ImageNotFound:
        raise WorkbookError(f"The engine has no image {image!r}.", fix=f"Build it first: `build({image!r})`.") from None
    except ContainerError as error:
        printed = (error.stderr or b"").decode(errors="replace").strip()
        raise WorkbookError(f"The program in {image} ended with exit status {error.exit_status}.", printed) from None
    return Printed(output.decode(errors="replace").strip())


def remove_image(image: str) -> None:
    """`docker image rm` on the cluster's nodes; nothing to do when the image is not there.

    Args:
        image: its name and tag.

    Documentation: https://docs.docker.com/reference/cli/docker/image/rm/
    """
    cluster.current().remove(image)


def bases(images: Iterable[str]) -> list[str]:
    """The purposes of the base images that these images are built from."""
    recipes = catalog()
    return sorted({purpose for image in images for purpose in recipes[image]["bases"].values()})


def base(engine: "DockerClient", purpose: str) -> str:
    """The base image for a purpose that `engine` has or can have: the bundle's, the official one, else one of our own."""
    import node

    if chosen := bundle.chosen():
        return chosen.image(engine, purpose)
    official = OFFICIAL[purpose]
    if present(engine, official):
        return official
    if present(engine, own := node.base_tag(purpose)):
        return own
    if pull(engine, official, "making a base image from packages"):
        return official
    return node.base_image(engine, purpose)
