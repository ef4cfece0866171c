"""`%docker …` in a notebook: the real docker command, on the engine that builds the cluster's images."""

import os
import shlex
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from IPython.core.magic import no_var_expand

from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import CommandFailed, Printed, run, typed
from workbook.cluster.current import current
from workbook.engine.build import OFFICIAL, STEP, alone, base, failure, replacing
from workbook.engine.catalog import SOURCE, Recipe, catalog, context, source_hash
from workbook.engine.proxies import proxies

QUIET = {
    "BUILDX_BUILDER": "default",  # another builder would keep the image in its own cache
    "DOCKER_CLI_HINTS": "false",
}
INSTALL = "Install it: https://docs.docker.com/get-started/get-docker/"
FIXES = {
    "Unable to find image": "Build it first, such as `%docker build -t web-app:1.0 app/webapp`.",
    "Cannot connect to the Docker daemon": "Run the notebook's `begin(…)` cell.",
}
"""Part of docker's message → what to do about it."""


class DockerError(CommandFailed):
    """docker ended with an error; the message is what it printed, and a fix where one is known."""

    def __str__(self) -> str:
        return self.output.strip() + (f"\nDo:  {self.fix}" if self.fix else "")


def docker(*args: str, timeout: float = 900) -> Printed:
    """Run docker in the repository's root, and return what it printed. `docker build` prints its output while it runs.

    It also loads a built image onto the cluster's nodes. It adds the options that this machine needs (another base image,
    a proxy) and the labels that mark the workbook's images, and prints the whole command.

    Args:
        args: its arguments, one word each: `docker("images")`.
        timeout: seconds.

    Raises:
        DockerError: docker ended with an error; its message is docker's own.
        WorkbookError: docker is not installed, the workbook has no image of this name, or the build failed.

    Documentation: https://docs.docker.com/reference/cli/docker/
    """
    cluster = current()
    if args[:1] == ("build",):
        _build(args[1:], timeout)
        return Printed()
    environment = QUIET | cluster.docker_environment()
    try:
        output = run(["docker", *args], env=environment, cwd=ROOT, timeout=timeout, fix=INSTALL)
    except CommandFailed as error:
        fix = next((fix for text, fix in FIXES.items() if text in error.output), "")
        raise DockerError(["docker", *args], error.code, error.output, fix) from None
    return Printed(output.strip("\n"))


def _build(args: Sequence[str], timeout: float) -> None:
    """Run `docker build` with these arguments, and load the image onto the nodes."""
    cluster, (image, added) = current(), _read(args)
    engine, environment = cluster.docker(), QUIET | cluster.docker_environment()
    command = ["docker", "build", *added, *args]
    print(*(f"$ {line}" for line in (cluster.docker_setup, typed(command)) if line), sep="\n", flush=True)
    lines = list[str]()

    def show(line: str) -> None:
        lines.append(f"{line}\n")
        print(line)

    with alone("docker build"), replacing(engine, image):
        try:
            run(command, env=environment, cwd=ROOT, timeout=timeout, on_line=show, fix=INSTALL)
        except CommandFailed as error:
            if any(STEP.match(line) for line in lines):
                raise failure(image, lines[-1].strip(), lines[:-1]) from None
            raise DockerError(["docker", "build", *args], error.code, error.output) from None
        cluster.load(image)


def _read(args: Sequence[str]) -> tuple[str, list[str]]:
    """Return the image that the arguments of `docker build` name, and the options that are added to them."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-t", "--tag", nargs="?", action="append", default=[])
    parser.add_argument("--build-arg", nargs="?", action="append", default=[])
    known, rest = parser.parse_known_args(args)
    image = " ".join(filter(None, known.tag))
    if image not in catalog():
        raise WorkbookError(
            f"The workbook has no image {image or 'without a name'}.",
            f"It has {', '.join(catalog())}.",
            "Use one of these names: `%docker build -t web-app:1.0 app/webapp`. In a terminal, you can build any other image.",
        )
    recipe = catalog()[image]
    _require_readable(context(recipe))
    given = dict(word.partition("=")[::2] for word in filter(None, known.build_arg))
    folders = [word.rstrip("/") for word in rest if word != "--no-cache"]
    # `begin(…)` only accepts images that were built as app/images.toml says.
    wanted = folders == [f"app/{recipe['context']}"] and given == recipe.get("args", {})
    added = labels.MANAGED | ({SOURCE: source_hash(recipe)} if wanted else {})
    return image, [
        *(f"--build-arg={name}={value}" for name, value in _bases(recipe).items() if name not in given),
        *(
            f"--build-arg={name}" for name in proxies() if name not in given
        ),  # docker reads the value, which may contain a password
        *(f"--label={name}={value}" for name, value in added.items()),
    ]


def _bases(recipe: Recipe) -> dict[str, str]:
    """The build arguments for the base images that replace official ones on this machine."""
    cluster = current()
    purposes: dict[str, str] = recipe["bases"]
    tags = {name: base(cluster.docker(), purpose, cluster.settings.bundle) for name, purpose in purposes.items()}
    return {name: tag for name, tag in tags.items() if tag != OFFICIAL[purposes[name]]}


def _require_readable(folder: Path) -> None:
    """Refuse files that the container's program, which does not run as root, could not read in the image.

    Raises:
        WorkbookError: only some users may read a file, for example after `umask 077` and `git clone`.
    """
    if os.name == "nt":
        return  # on Windows, docker gives all files the same permissions
    for path in folder.rglob("*"):
        if not path.stat().st_mode & 0o004:
            raise WorkbookError(
                f"Only some users of this machine may read {path}.",
                "Files keep their permissions in the image, where the program runs as another user.",
                f"Let all users read it: `chmod -R a+rX {folder}`.",
            )


@no_var_expand  # braces are for docker: `--format "{{.Size}}"`
def magic(line: str) -> Printed | None:
    """Run `%docker ARGUMENTS`, split like in a shell. A build prints its log and returns None. Raises what `docker` raises."""
    args = shlex.split(line)
    printed = docker(*args)
    return None if args[:1] == ["build"] else printed
