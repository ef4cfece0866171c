"""Containers on the cluster's node that Kubernetes does not know, started with the node's own container runtime."""

from workbook.cluster.current import current


def run_on_node(image: str, name: str) -> None:
    """Start a container on the node, without Kubernetes (`docker run --detach`, or the same for another runtime).

    Args:
        image: an image on the node, such as `"web-app:1.0"`. Its own command is run.
        name: the container's name. An earlier container of that name is replaced.

    Raises:
        WorkbookError: the cluster is not the workbook's own, or the node cannot start the container.

    Documentation: https://kubernetes.io/docs/concepts/architecture/#node-components
    """
    current().run_on_node(image, name)


def end_on_node(name: str) -> None:
    """Kill a container on the node, if it exists (`docker kill`). Unless it belongs to a Pod, it is removed as well.

    Args:
        name: the container's name, or the ID of a Pod's container, without the runtime's name before it.

    Raises:
        WorkbookError: the cluster is not the workbook's own, or the node does not end the container.
    """
    current().end_on_node(name)


def containers_on_node() -> list[str]:
    """Return the names of all containers that run on the node, as its container runtime lists them.

    This includes the containers of Pods, which have generated names.

    Raises:
        WorkbookError: the cluster is not the workbook's own.

    Documentation: https://kubernetes.io/docs/concepts/containers/
    """
    return sorted(current().running_on_node())
