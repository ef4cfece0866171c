"""Build, run and remove images as `docker` does, in the engine of the workbook's cluster."""

from workbook.base.errors import WorkbookError
from workbook.base.labels import MANAGED
from workbook.base.processes import Printed
from workbook.cluster.current import current
from workbook.engine.build import build_image
from workbook.engine.catalog import catalog


def build(*images: str, log: bool = True) -> None:
    """Build some of the workbook's images (`docker build`), and make them available to the cluster's nodes.

    Args:
        images: their names and tags, keys of app/images.toml such as `"web-app:1.0"`.
        log: whether to print the builder's log while it builds.

    Raises:
        WorkbookError: there is no such image, or a step of its Dockerfile failed; the error has that step's log.

    Documentation: https://docs.docker.com/reference/cli/docker/image/build/
    """
    if unknown := [image for image in images if image not in catalog()]:
        why = f"It has {', '.join(catalog())}."
        raise WorkbookError(f"The workbook has no image {unknown[0]!r}.", why, "Correct the name.")
    cluster = current()
    for image in images:
        build_image(cluster.docker(), image, cluster.settings.bundle, log=log)
    cluster.load(*images)


def docker_run(image: str, program: str, *arguments: str) -> Printed:
    """Run a program in a new container without a network, and return what it printed (`docker run --rm`).

    Args:
        image: the name and tag of one of the workbook's images.
        program, arguments: the command to run, instead of the one in the Dockerfile.

    Raises:
        WorkbookError: there is no such image, or the program failed.

    Documentation: https://docs.docker.com/reference/cli/docker/container/run/
    """
    # The Docker SDK is loaded with the engine, not with this module.
    from docker.errors import ContainerError, ImageNotFound

    containers = current().docker().containers
    try:
        output = containers.run(
            image, list(arguments), entrypoint=program, remove=True, stderr=True, network_mode="none", labels=MANAGED
        )
    except ImageNotFound:
        raise WorkbookError(f"The engine has no image {image!r}.", fix=f"Build it first: `build({image!r})`.") from None
    except ContainerError as error:
        printed = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else error.stderr or ""
        what = f"The program in {image} ended with exit status {error.exit_status}."
        raise WorkbookError(what, printed.strip()) from None
    return Printed(output.decode(errors="replace").strip())


def remove_image(image: str) -> None:
    """Remove an image from the cluster's nodes (`docker image rm`), given by its name and tag, if they have it.

    Documentation: https://docs.docker.com/reference/cli/docker/image/rm/
    """
    current().remove(image)
