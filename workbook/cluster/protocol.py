"""The interface of a cluster, which every provider implements."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from workbook.base.errors import WorkbookError
from workbook.cluster.choose import Provider, Settings

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

    from workbook.kube.client import Api

CPUS, MEMORY_MB = 2, 4096
"""The size that the chapter recommends, and that `minikube start` requests."""


class State(StrEnum):
    """The state of a cluster."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    ABSENT = "Absent"
    BROKEN = "Broken"


class Cluster(Protocol):
    """A cluster. Methods that change something print the commands that they run, so that a reader can type them.

    Args:
        settings: the cluster's settings.
    """

    provider: Provider
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def context(self) -> str:
        """The context in the kubeconfig."""
        ...

    @property
    def namespace(self) -> str:
        """The namespace that the workbook uses."""
        return "workbook"

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.settings.profile

    @property
    def local(self) -> bool:
        """Whether the workbook has started this cluster, on this machine."""
        return self.provider is not Provider.EXISTING

    @property
    def folder(self) -> Path:
        """The folder with the cluster's kubeconfig, its lock, and the workbook's notes about it."""
        return self.settings.folder

    @property
    def kubeconfig(self) -> Path:
        """The path of the workbook's own kubeconfig, which is not the reader's."""
        return self.folder / "kubeconfig"

    @property
    def scratch(self) -> Path:
        """The path of a kubeconfig that the provider's program writes, instead of the reader's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / "scratch.kubeconfig"

    def environment(self) -> dict[str, str]:
        """Environment variables that make a terminal's kubectl, and the provider's program, use this cluster."""
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "kubectl"),  # the default is ~/.kube/cache
            "KUBECTL_KUBERC": "false",  # a reader's kuberc may define aliases
        }

    def program(self, name: str) -> Path | None:
        """The path of a program in the bundle; None without a bundle, or if the bundle does not contain it."""
        return self.settings.bundle.program(name) if self.settings.bundle else None

    def node(self) -> "Container | None":
        """The node's container in this machine's Docker engine; None if the node is not a container or does not exist."""
        return None

    def started(self) -> str:
        """The time of the node's start, in Kubernetes' format; empty when it is not known."""
        container = self.node()
        return kubernetes_time(datetime.fromisoformat(container.attrs["State"]["StartedAt"])) if container else ""

    @property
    def driver(self) -> str:
        """minikube's word for what the node is, such as `docker` for a container; empty when it is not known."""
        return ""

    def describe(self) -> str:
        """Describe this cluster to the reader in one line."""
        ...

    def status(self) -> State:
        """Return the cluster's current state."""
        ...

    def start(self) -> "Api":
        """Create the cluster, or start it if it is stopped; return a connection once all nodes are Ready."""
        ...

    def stop(self) -> None:
        """Stop the cluster, and keep everything that is deployed on it."""

    def delete(self) -> None:
        """Remove the cluster and everything in it, if it exists."""

    def stop_node(self, name: str) -> None:
        """Switch off one of the nodes, without notice to Kubernetes."""
        ...

    def start_node(self, name: str) -> None:
        """Start a node that was switched off, and wait until all nodes are Ready."""
        ...

    def kubectl(self) -> list[str]:
        """The command of a kubectl that is within one minor version of the cluster."""
        ...

    @cached_property
    def engine(self) -> "DockerClient":
        """A connection to this machine's Docker engine, which is installed and started first if necessary."""
        # The Docker SDK takes a fifth of a second to load, so it is imported only here.
        from workbook.engine.find import ensure_engine

        nodes = self.provider is not Provider.EXISTING
        return ensure_engine(offline=self.settings.bundle is not None, nodes=nodes)

    def docker(self) -> "DockerClient":
        """The Docker engine that builds images for this cluster."""
        return self.engine

    def docker_environment(self) -> dict[str, str]:
        """Environment variables that make the docker command use that engine."""
        return {}

    @property
    def docker_setup(self) -> str:
        """The command that makes a terminal's docker command use that engine; empty if none is needed."""
        return ""

    def load(self, *images: str) -> None:
        """Load images from that engine onto the nodes, unless the nodes already have exactly these images."""

    def images(self) -> list[str]:
        """Names and tags of the images that Pods of this cluster can use without pulling them from outside."""
        ...

    def remove(self, image: str) -> None:
        """Remove an image from the nodes, if it exists."""

    def run_on_node(self, image: str, name: str) -> None:
        """Start a container with the node's own container runtime, without Kubernetes, in place of an earlier one of that name.

        Args:
            image: one of the images on the node.
            name: the container's name.

        Raises:
            WorkbookError: the nodes are not the workbook's.
        """
        raise self._not_our_nodes()

    def end_on_node(self, name: str) -> None:
        """Kill a container on the node, if it exists, and remove it, unless it belongs to a Pod.

        Args:
            name: its name, or the ID of a Pod's container, without the name of the runtime.

        Raises:
            WorkbookError: as for `run_on_node`.
        """
        raise self._not_our_nodes()

    def running_on_node(self) -> list[str]:
        """Names of all containers that run on the node, as its runtime lists them. Raises what `run_on_node` raises."""
        raise self._not_our_nodes()

    def _not_our_nodes(self) -> WorkbookError:
        return WorkbookError(
            f"The workbook starts no containers on the nodes of this cluster, context {self.context!r}.",
            f"It may only use the Namespace {self.namespace!r}; the nodes are managed by the cluster's administrator.",
            "Read this section without running its cells. They work on a cluster of your own, with minikube or kind.",
        )

    def url(self, service: str) -> str:
        """The address at which a NodePort Service answers on this machine."""
        ...

    def reference(self, image: str) -> str:
        """The name under which a Pod of this cluster pulls `image`."""
        return image

    def localize(self, manifest: str) -> str:
        """Return a manifest's text with each of the workbook's images under the name from `reference`."""
        return manifest


def kubernetes_time(moment: datetime) -> str:
    """Format a time as Kubernetes does: in UTC, to the second. Such times sort as text."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def published(container: "Container | None", port: int) -> str | None:
    """Return the address on this machine that leads to a port of the node; None if the port is not published.

    Documentation: https://docs.docker.com/engine/network/#published-ports
    """
    ports = container.attrs["NetworkSettings"]["Ports"] if container else None
    mapped = (ports or {}).get(f"{port}/tcp")
    return f"http://127.0.0.1:{mapped[0]['HostPort']}" if mapped else None


def short_name(image: str) -> str:
    """Shorten an image's name from how container runtimes write it: `docker.io/library/web-app:1.0` to `web-app:1.0`."""
    return image.removeprefix("docker.io/").removeprefix("library/")
