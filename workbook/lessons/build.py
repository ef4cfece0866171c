"""Build and remove the workbook's images, in the engine of its cluster."""

from workbook.base.errors import WorkbookError
from workbook.cluster.current import current
from workbook.cluster.protocol import Cluster
from workbook.engine.build import alone, build_image, replacing
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
    with alone("build"):
        build_and_load(current(), *images, log=log)


def build_and_load(cluster: Cluster, *images: str, log: bool) -> None:
    """Build images as `build` does, for a caller that holds the lock on the images."""
    with replacing(cluster.docker(), *images):
        for image in images:
            build_image(cluster.docker(), image, cluster.settings.bundle, log=log)
        cluster.load(*images)


def remove_image(image: str) -> None:
    """Remove an image, given by name and tag, from the cluster's nodes if they have it (`docker image rm`).

    Documentation: https://docs.docker.com/reference/cli/docker/image/rm/
    """
    current().remove(image)
