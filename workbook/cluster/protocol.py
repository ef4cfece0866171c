"""What every provider of a cluster does."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from workbook.cluster.choose import Provider, Settings

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

    from workbook.kube.client import Api

CPUS, MEMORY_MB = 2, 4096
"""What the chapter asks for the cluster, and what `minikube start` is given."""


class State(StrEnum):
    """What a cluster is doing."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    ABSENT = "Absent"
    BROKEN = "Broken"


class Cluster(Protocol):
    """A cluster. Methods that change something print the commands they run, so that a reader can type them.

    Args:
        settings: which cluster it is.
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
        """The namespace that the workbook keeps to."""
        return "workbook"

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.settings.profile

    @property
    def folder(self) -> Path:
        """The folder with the cluster's kubeconfig, its lock and the workbook's notes about it."""
        return self.settings.folder

    @property
    def kubeconfig(self) -> Path:
        """A file of the workbook's own, never the reader's."""
        return self.folder / "kubeconfig"

    @property
    def scratch(self) -> Path:
        """A kubeconfig for the provider's own program to write, instead of the reader's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / "scratch.kubeconfig"

    def environment(self) -> dict[str, str]:
        """The variables with which a terminal's kubectl, and the provider's own program, use this cluster."""
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "kubectl"),  # else ~/.kube/cache
            "KUBECTL_KUBERC": "false",  # a reader's kuberc may hold aliases
        }

    def program(self, name: str) -> Path | None:
        """A program in the bundle; None without a bundle, and for a program that it does not contain."""
        return self.settings.bundle.program(name) if self.settings.bundle else None

    def node(self) -> "Container | None":
        """The node's container in this machine's Docker engine; None when the node is none, or does not exist."""
        return None

    def started(self) -> str:
        """When the node was started, as Kubernetes writes a time; empty when that is not known."""
        container = self.node()
        return kubernetes_time(datetime.fromisoformat(container.attrs["State"]["StartedAt"])) if container else ""

    def describe(self) -> str:
        """One line about this cluster, for the reader."""
        ...

    def status(self) -> State:
        """What the cluster is doing, asked at each call."""
        ...

    def start(self) -> "Api":
        """Create the cluster, start it, or leave it as it is; return a connection once all nodes are Ready."""
        ...

    def stop(self) -> None:
        """Stop the cluster; what is deployed on it is kept."""

    def delete(self) -> None:
        """Remove the cluster and everything in it; nothing to do when it does not exist."""

    def kubectl(self) -> list[str]:
        """The command of a kubectl within one minor version of the cluster."""
        ...

    @cached_property
    def engine(self) -> "DockerClient":
        """This machine's Docker engine: found, or installed and started, once."""
        # The Docker SDK takes a fifth of a second to load: not before it is needed.
        from workbook.engine.find import ensure_engine

        return ensure_engine(offline=self.settings.bundle is not None)

    def docker(self) -> "DockerClient":
        """The Docker engine to build images in."""
        return self.engine

    def docker_environment(self) -> dict[str, str]:
        """The variables with which the docker command uses that engine."""
        return {}

    @property
    def docker_setup(self) -> str:
        """What to type in a terminal so that its docker command uses that engine; empty when it does so already."""
        return ""

    def load(self, *images: str) -> None:
        """Make images of that engine available to the nodes, unless the nodes have exactly these already."""

    def images(self) -> list[str]:
        """Names and tags of the images that Pods of this cluster can use without a pull from outside."""
        ...

    def remove(self, image: str) -> None:
        """Remove an image from the nodes; nothing to do when it does not exist."""

    def url(self, service: str) -> str:
        """An address at which a NodePort Service answers on this machine."""
        ...

    def reference(self, image: str) -> str:
        """The name by which a Pod of this cluster asks for `image`."""
        return image

    def localize(self, manifest: str) -> str:
        """A manifest's text with each of the workbook's images under the name by which a Pod asks for it."""
        return manifest


def kubernetes_time(moment: datetime) -> str:
    """A time as Kubernetes writes it: in UTC, to the second. Such times sort as text."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def published(container: "Container | None", port: int) -> str | None:
    """The address on this machine that leads to a port of the node; None when the port is not published.

    Documentation: https://docs.docker.com/engine/network/#published-ports
    """
    ports = container.attrs["NetworkSettings"]["Ports"] if container else None
    mapped = (ports or {}).get(f"{port}/tcp")
    return f"http://127.0.0.1:{mapped[0]['HostPort']}" if mapped else None


def short_name(image: str) -> str:
    """`web-app:1.0` for `docker.io/library/web-app:1.0`, which is how container runtimes write it."""
    return image.removeprefix("docker.io/").removeprefix("library/")
