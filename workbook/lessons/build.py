"""Build images and run them, as `docker` does, in the engine of the workbook's cluster."""

from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.processes import Printed
from workbook.cluster.current import current
from workbook.engine.build import build_image
from workbook.engine.catalog import catalog


def build(*images: str, log: bool = True) -> None:
    """`docker build` of the workbook's images; then makes them available to the cluster's nodes.

    Args:
        images: their names and tags, keys of app/images.toml such as `"web-app:1.0"`.
        log: print the builder's log as it comes.

    Raises:
        WorkbookError: there is no such image, or a step of its Dockerfile failed; shows that step's log.

    Documentation: https://docs.docker.com/reference/cli/docker/image/build/
    """
    for image in images:
        if image not in catalog():
            raise WorkbookError(
                f"The workbook has no image {image!r}.", f"It has {', '.join(catalog())}.", "Correct the name."
            )
    cluster = current()
    for image in images:
        build_image(cluster.docker(), image, cluster.settings.bundle, log=log)
    cluster.load(*images)


def docker_run(image: str, *command: str) -> Printed:
    """`docker run --rm`: starts a container of one of the workbook's images, and returns what it printed.

    Args:
        image: its name and tag.
        command: the program and its arguments, instead of those in the Dockerfile.

    Raises:
        WorkbookError: there is no such image, or the program failed.

    Documentation: https://docs.docker.com/reference/cli/docker/container/run/
    """
    # The Docker SDK is loaded with the engine, not with this module.
    from docker.errors import ContainerError, ImageNotFound

    program, *arguments = command
    try:
        output = (
            current()
            .docker()
            .containers.run(
                image,
                arguments,
                entrypoint=program,
                remove=True,
                stderr=True,
                network_mode="none",
                labels=labels.MANAGED,
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
    current().remove(image)
