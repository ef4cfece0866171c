"""The cluster the notebooks drive: one protocol, a module per provider, chosen once.

`minikube` is what the chapter teaches and the default where it is installed; `kind` stands in where it is not;
`existing` works inside one namespace of a cluster that somebody else runs. `WORKBOOK_CLUSTER` names one of them.
`WORKBOOK_PROFILE` names the cluster itself (default `workbook`), so that tests have one of their own.
"""

import os
import shutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from workbook.base.errors import WorkbookError
from workbook.base.paths import home
from workbook.bundle import choose as bundle

if TYPE_CHECKING:
    from docker import DockerClient

PROVIDERS = ("minikube", "kind", "existing")
CPUS, MEMORY_MB = 2, 4096
"""What the chapter asks for the cluster, and what `minikube start` is told."""

OURS = {"app.kubernetes.io/managed-by": "workbook"}
"""The label on what the workbook has made, and may fill and delete: its Namespace, its images."""
LABEL = ",".join(f"{key}={value}" for key, value in OURS.items())
"""The same as a label selector."""

INSTALLED = "it is installed, and it is what the chapter teaches"
NOT_INSTALLED = "minikube is not installed"

State = Literal["Running", "Stopped", "Absent", "Broken"]


@dataclass(frozen=True)
class Image:
    """A container image as a node has it: `size` in bytes, 0 where the provider does not tell."""

    repository: str
    tag: str
    size: int = 0

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"

    @classmethod
    def parse(cls, reference: str, size: int = 0) -> "Image":
        """Reads `docker.io/library/web-app:1.0` as runtimes write it; the default registry is dropped."""
        repository, _, tag = reference.removeprefix("docker.io/").removeprefix("library/").rpartition(":")
        return cls(repository, tag, size)


class Cluster(Protocol):
    """What a provider does. Each method prints the commands it runs, so that a reader can type them."""

    provider: str
    name: str
    context: str
    namespace: str
    started: str
    """When this process has started the node again, as `2026-11-23T20:00:00`; empty when it has not."""

    @property
    def kubeconfig(self) -> Path:
        """A file of the workbook's own, never the reader's."""

    def status(self) -> State:
        """What the cluster is doing, asked afresh."""

    def start(self) -> None:
        """Creates the cluster, starts it, or leaves it as it is; ends with a Ready node."""

    def stop(self) -> None:
        """Stops the cluster; what was deployed stays."""

    def delete(self) -> None:
        """Removes the cluster and everything in it; nothing to do when there is none."""

    def kubectl(self) -> list[str]:
        """The words that start a kubectl within one minor version of the cluster."""

    def docker(self) -> "DockerClient":
        """The Docker engine to build images in."""

    def load(self, *images: str) -> None:
        """Makes images of that engine available to the nodes, unless these have the very same already."""

    def images(self) -> list[Image]:
        """The images that Pods of this cluster can use without a pull from outside."""

    def remove(self, image: str) -> None:
        """Takes an image off the nodes; nothing to do when it is not there."""

    def reference(self, image: str) -> str:
        """The name by which a Pod of this cluster asks for `image`."""

    def localize(self, manifest: str) -> str:
        """The manifest's text with each of the workbook's images as a Pod of this cluster asks for it."""

    def url(self, service: str) -> str:
        """An address at which a NodePort Service answers from this machine."""

    def describe(self) -> str:
        """One line on what this provider is, for the reader."""


def profile() -> str:
    """The cluster's name: `WORKBOOK_PROFILE`, or `workbook`."""
    return os.environ.get("WORKBOOK_PROFILE", "workbook")


def folder(name: str) -> Path:
    """The folder of the cluster `name`: kubeconfig, lock and the provider chosen for it."""
    return home() / "clusters" / name


def choose() -> tuple[str, str]:
    """The provider for this cluster, and why it is that one.

    Raises:
        WorkbookError: `WORKBOOK_CLUSTER` names no provider, or one that the bundle does not bring.
    """
    provider, why = _choose()
    offered = chosen.provider if (chosen := bundle.chosen()) else provider
    if provider in (offered, "existing"):
        return provider, why
    if why in (INSTALLED, NOT_INSTALLED):
        return offered, "the bundle was made for it"
    raise WorkbookError(
        f"The bundle brings {offered}, and this cluster is to be {provider}'s.",
        f"That is chosen because {why}.",
        "Unset WORKBOOK_CLUSTER, or remove the cluster with `make clean`; or run this without BUNDLE.",
    )


def _choose() -> tuple[str, str]:
    if wanted := os.environ.get("WORKBOOK_CLUSTER"):
        if wanted not in PROVIDERS:
            raise WorkbookError(
                f"WORKBOOK_CLUSTER is {wanted!r}, and there is no such provider.",
                fix=f"Set it to one of {', '.join(PROVIDERS)}, or unset it.",
            )
        return wanted, "WORKBOOK_CLUSTER asks for it"
    remembered = folder(profile()) / "provider"
    if remembered.exists() and (provider := remembered.read_text().strip()) in PROVIDERS:
        return provider, "this cluster was made with it"
    if shutil.which("minikube"):
        return "minikube", INSTALLED
    return "kind", NOT_INSTALLED


@cache
def current() -> Cluster:
    """The cluster of this process. Chosen at the first call; see `choose`."""
    provider, _ = choose()
    return _of(provider, profile())


def _of(provider: str, name: str) -> Cluster:
    return import_module(f"workbook.cluster.{provider}").provider(name)


def made() -> list[Cluster]:
    """The clusters that the workbook has made on this machine, each with its own provider."""
    return [_of(note.read_text().strip(), note.parent.name) for note in sorted(folder("").glob("*/provider"))]


def remember() -> None:
    """Notes which provider this cluster was made with, so that it is found again when another gets installed."""
    ours = current()
    note = folder(ours.name) / "provider"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(ours.provider)
