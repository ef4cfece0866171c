"""Build the workbook's container images, and provide their base images."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any

import node
from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.paths import home
from workbook.base.steps import step
from workbook.bundle.use import Bundle
from workbook.engine.catalog import SOURCE, archive, catalog, source_hash
from workbook.engine.homes import note_home
from workbook.engine.proxies import on_loopback, proxies
from workbook.engine.pull import load, present, pull

if TYPE_CHECKING:
    from docker import DockerClient

# The official base images, as in the Dockerfiles.
OFFICIAL = {"python": "python:3.13-slim", "jdk": "eclipse-temurin:21-jdk", "debian": "debian:stable-slim"}
FULL = re.compile("no space left on device", re.IGNORECASE)
NETWORK = re.compile(
    "could not resolve|name resolution|name or service not known|temporary failure resolving|no such host|no route to host"
    "|unreachable|connection refused|connection reset|timed out|timeout|cannot connect to proxy|tunnel connection failed"
    "|getaddrinfo|econnrefused|network connectivity"
    "|certificate.verify.failed|unknown authority",
    re.IGNORECASE,
)
"""Messages of programs that cannot reach the network, or do not trust the server that answers."""
DOCKERFILE = re.compile(
    "returned a non-zero code|did not complete successfully|(copy|add) failed|failed to compute cache key|dockerfile"
    "|should not be blank|requires buildkit|executable file not found|unable to find user",
    re.IGNORECASE,
)
"""Messages of the builder about a mistake in the Dockerfile. Any other message is a failure of the engine."""
STEP = re.compile(r"(\[\d+/\d+] )?step \d+/\d+|#\d+ \[", re.IGNORECASE)
"""Start of the first line of a step in the log of a builder: Docker's older one or Podman's, or BuildKit."""
FAILED_STEP = re.compile(r"(#\d+ )ERROR")
"""Start of BuildKit's line about the step that failed. Each of its lines begins with the number of a step."""


def build_image(engine: "DockerClient", image: str, bundle: Bundle | None = None, *, log: bool = True) -> None:
    """Build one of the workbook's images.

    Args:
        engine: the engine that builds it.
        image: its name and tag, a key of app/images.toml.
        bundle: the source of base images; registries and node/ when None.
        log: print the builder's log while it builds.

    Raises:
        WorkbookError: a step of the Dockerfile failed or could not reach the network, or the engine failed; with the
            end of the log.

    Documentation: https://docs.docker.com/reference/cli/docker/image/build/
    """
    recipe = catalog()[image]
    bases = {name: base(engine, purpose, bundle) for name, purpose in recipe["bases"].items()}
    marks = labels.MANAGED | {SOURCE: source_hash(recipe)}
    build_archive(engine, image, archive(recipe), {**recipe.get("args", {}), **bases}, log=log, labels=marks)


def build_archive(
    engine: "DockerClient",
    image: str,
    context: bytes,
    arguments: Mapping[str, str],
    *,
    dockerfile: str = "",
    log: bool = False,
    **options: Any,
) -> None:
    """Build an image from an archive with its build context.

    Args:
        engine: the engine that builds it.
        image: its name and tag.
        context: the archive.
        arguments: the Dockerfile's variables, except those for proxies.
        dockerfile: the Dockerfile's path, in the archive as in the repository; empty for a key of app/images.toml.
        log: print the builder's log while it builds.
        options: more options of the builder.

    Raises:
        WorkbookError: as for `build_image`.

    Documentation: https://docker-py.readthedocs.io/en/stable/api.html#module-docker.api.build
    """
    # Imported here, because the Docker SDK loads slowly.
    from docker.errors import APIError
    from urllib3.exceptions import HTTPError  # the SDK depends on it

    with step(f"Build {image}") as running:
        lines: list[str] = []
        try:
            for message in engine.api.build(
                fileobj=BytesIO(context),
                custom_context=True,
                dockerfile=dockerfile or None,
                tag=image,
                buildargs={**arguments, **proxies()},
                rm=True,
                forcerm=True,
                decode=True,
                **options,
            ):
                if "error" in message:
                    raise failure(image, message["error"].strip(), lines, dockerfile)
                if text := message.get("stream", ""):
                    lines.append(text)
                    running.update(text.strip())
                    if log:
                        print(text, end="", flush=True)
        except (APIError, HTTPError, OSError) as error:
            refused = isinstance(error, APIError) and error.is_client_error()  # the engine cannot read the Dockerfile
            text = (isinstance(error, APIError) and error.explanation) or str(error)
            raise failure(image, f"dockerfile: {text}" if refused else text, lines, dockerfile) from error


@contextmanager
def alone(doing: str) -> Iterator[None]:
    """Hold the lock on the workbook's images during the block, since the clusters of one engine share their names.

    Without it, a process could load an image that another process has just built from other files, or removed.

    Args:
        doing: the holder's action, for the error in other processes.

    Raises:
        WorkbookError: another process builds for longer than images take.
    """
    with lock(home() / "images.lock", doing, patience=900):
        yield


@contextmanager
def replacing(engine: "DockerClient", *images: str) -> Iterator[None]:
    """Build images in the block, and then remove those that lost their names to them.

    An image stays if it has another name, or if a container uses it.
    """
    before = {image: _identity(engine, image) for image in images}
    yield
    for image, identity in before.items():
        if identity and identity != _identity(engine, image):
            _remove_unnamed(engine, identity)


def _identity(engine: "DockerClient", image: str) -> str:
    """The image's ID in the engine; empty when there is no such image."""
    return next((str(found.id) for found in engine.images.list(image)), "")


def _remove_unnamed(engine: "DockerClient", identity: str) -> None:
    # Imported here, because the Docker SDK loads slowly.
    from docker.errors import APIError

    with suppress(APIError):  # in use, or removed meanwhile
        if not engine.images.get(identity).tags:
            engine.images.remove(identity)
            print("Removed the previous image with this name.")


def failure(image: str, problem: str, log: list[str], dockerfile: str = "") -> WorkbookError:
    """Return the error for a failed build: the cause is the disk, the network, the Dockerfile, or the engine.

    Args:
        image: the image's name and tag.
        problem: the builder's last message.
        log: the lines that the builder printed before.
        dockerfile: its Dockerfile's path in the repository; empty for a key of app/images.toml.
    """
    evidence = "".join([*log[-20:], problem])
    last_step = "".join([*_last_step(log), problem])
    if FULL.search(last_step):
        fix = "Free some space: `docker system df` shows what Docker uses, and `docker system prune` removes what is unused."
        return WorkbookError(f"The image {image} was not built: Docker's disk is full.", evidence, fix)
    if NETWORK.search(last_step):
        fix = (
            "Connect to a network that containers can also reach. Behind a proxy, set HTTPS_PROXY. Then run this again."
        )
        if names := " and ".join(on_loopback()):
            fix += (
                f" A container cannot use the proxy in {names}: it listens on this machine's loopback interface."
                " Let it listen on another address of this machine, and set that address."
            )
        what = f"The image {image} was not built: a step could not download what it needs."
        return WorkbookError(what, evidence, fix)
    if DOCKERFILE.search(problem):
        path = dockerfile or f"app/{catalog()[image]['context']}/Dockerfile"
        fix = f"Correct {path}, or the files that it copies. Then run this again."
        return WorkbookError(f"The image {image} was not built: {problem}", "".join(log[-20:]).strip(), fix)
    fix = "Restart Docker (`sudo systemctl restart docker`, or Docker Desktop), then run this again."
    return WorkbookError(f"The image {image} was not built: the Docker engine failed.", evidence, fix)


def _last_step(log: list[str]) -> list[str]:
    """The lines of the step that failed, or of the last one. BuildKit mixes those of steps that it runs at the same time."""
    if number := next((found[1] for line in reversed(log) if (found := FAILED_STEP.match(line))), ""):
        return [line for line in log if line.startswith(number)]
    return log[max((at for at, line in enumerate(log) if STEP.match(line)), default=0) :]


def base(engine: "DockerClient", purpose: str, bundle: Bundle | None = None) -> str:
    """Provide the base image for a purpose in `engine`: the bundle's, the official one, or one made from packages.

    Args:
        engine: the engine that needs it.
        purpose: a key of `OFFICIAL`.
        bundle: the bundle that contains it, if there is one.
    """
    note_home(engine)
    if bundle:
        return load(engine, *bundle.archive(purpose))
    official = OFFICIAL[purpose]
    if present(engine, official):
        return official
    if present(engine, own := node.base_tag(purpose)):
        return own
    return pull(engine, official, "making a base image from packages", lambda: node.base_image(engine, purpose))
