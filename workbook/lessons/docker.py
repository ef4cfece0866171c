"""`%docker …` in a notebook: the real docker command, on the engine that the cluster's images are built in."""

import shlex
from collections.abc import Sequence
from itertools import pairwise

from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import Printed, run, typed
from workbook.cluster.current import current
from workbook.engine.build import OFFICIAL, base
from workbook.engine.catalog import SOURCE, catalog, source_hash
from workbook.engine.proxies import proxies

QUIET = {
    "BUILDX_BUILDER": "default",  # another one would keep the image to itself
    "DOCKER_CLI_HINTS": "false",
}


def docker(*args: str, timeout: float = 900) -> Printed:
    """Run docker in the repository's root, and return what it printed. The output of `docker build` is shown as it comes.

    An image that is built is also made available to the cluster's nodes. Where the official base images are out of
    reach, others take their place by `--build-arg`; the command that is run is printed.

    Args:
        args: its arguments, one word each.
        timeout: seconds.

    Raises:
        CommandFailed: docker ended with an error.
        WorkbookError: docker is not installed, or the workbook has no image of this name.

    Documentation: https://docs.docker.com/reference/cli/docker/
    """
    cluster = current()
    environment = QUIET | cluster.docker_environment()
    fix = "Install it: https://docs.docker.com/get-started/get-docker/"
    if args[:1] != ("build",):
        return Printed(run(["docker", *args], env=environment, cwd=ROOT, timeout=timeout, fix=fix).strip())
    image = _tag(args)
    command = ["docker", "build", *_options(image), *args[1:]]
    print(f"$ {typed(command)}", flush=True)
    run(command, env=environment, cwd=ROOT, timeout=timeout, on_line=print, fix=fix)
    cluster.load(image)
    return Printed()


def _tag(args: Sequence[str]) -> str:
    """The name and tag of the image that is built, which must be one of the workbook's."""
    tags = [after for word, after in pairwise(args) if word in ("-t", "--tag")]
    if len(tags) == 1 and tags[0] in catalog():
        return tags[0]
    raise WorkbookError(
        f"The workbook has no image {', '.join(tags) or 'without a name'}.",
        f"It has {', '.join(catalog())}.",
        "Name one of them: `%docker build -t web-app:1.0 app/webapp`. In a terminal you can build any other.",
    )


def _options(image: str) -> list[str]:
    """What the build needs on this machine, and the labels by which `begin(…)` and `make clean` know the image."""
    recipe, cluster = catalog()[image], current()
    bases = {
        name: base(cluster.docker(), purpose, cluster.settings.bundle) for name, purpose in recipe["bases"].items()
    }
    own = {name: tag for name, tag in bases.items() if tag != OFFICIAL[recipe["bases"][name]]}
    options = [f"--build-arg={name}={value}" for name, value in {**own, **proxies()}.items()]
    return options + [
        f"--label={key}={value}" for key, value in (labels.MANAGED | {SOURCE: source_hash(recipe)}).items()
    ]


def magic(line: str) -> Printed:
    """Run `%docker ARGUMENTS`, which are split as a shell splits them. Raises as `docker`."""
    return docker(*shlex.split(line))
