"""Build the workbook's container images, and have the base images that they are built from."""

import os
from typing import TYPE_CHECKING

import node
from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.steps import step
from workbook.bundle.use import Bundle
from workbook.engine.catalog import SOURCE, catalog, context, source_hash
from workbook.engine.pull import load, present, pull

if TYPE_CHECKING:
    from docker import DockerClient

# The official bases, as the Dockerfiles name them.
OFFICIAL = {"python": "python:3.13-slim", "jdk": "eclipse-temurin:21-jdk", "debian": "debian:stable-slim"}
# A build behind a proxy needs these; the builder knows them and keeps them out of the image.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def build_image(engine: "DockerClient", image: str, bundle: Bundle | None = None, *, log: bool = True) -> None:
    """Build one of the workbook's images.

    Args:
        engine: where to build it.
        image: its name and tag, a key of app/images.toml.
        bundle: where base images come from; registries and node/ when None.
        log: print the builder's log as it comes.

    Raises:
        WorkbookError: a step of the Dockerfile failed; shows the end of the log.

    Documentation: https://docs.docker.com/reference/cli/docker/image/build/
    """
    recipe = catalog()[image]
    bases = {name: base(engine, purpose, bundle) for name, purpose in recipe["bases"].items()}
    arguments = {**recipe.get("args", {}), **bases, **proxies()}
    with step(f"Build {image}") as running:
        lines: list[str] = []
        for message in engine.api.build(
            path=str(context(recipe)),
            tag=image,
            buildargs=arguments,
            rm=True,
            forcerm=True,
            decode=True,
            labels=labels.MANAGED | {SOURCE: source_hash(recipe)},
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
    """The build arguments with which a build behind a proxy reaches the network."""
    return {name: os.environ[name] for name in PROXIES if name in os.environ}


def base(engine: "DockerClient", purpose: str, bundle: Bundle | None = None) -> str:
    """The base image for a purpose, in `engine`: the bundle's, the official one, or one made from packages.

    Args:
        engine: where it is needed.
        purpose: a key of `OFFICIAL`.
        bundle: the bundle to take it from, if there is one.
    """
    if bundle:
        return load(engine, *bundle.archive(purpose))
    official = OFFICIAL[purpose]
    if present(engine, official):
        return official
    if present(engine, own := node.base_tag(purpose)):
        return own
    if pull(engine, official, "making a base image from packages"):
        return official
    return node.base_image(engine, purpose)
