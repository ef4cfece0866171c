"""kind, Kubernetes in a container, driven through its command line: https://kind.sigs.k8s.io/

Its node image is the official one if that can be pulled. Otherwise node/ builds one from source.
"""

import io
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

import node
from workbook.base.errors import WorkbookError
from workbook.base.processes import CommandFailed, read, run
from workbook.base.steps import step
from workbook.cluster import containerd, ready
from workbook.cluster.choose import Provider
from workbook.cluster.containerd import full_name
from workbook.cluster.protocol import Cluster, State, published, short_name
from workbook.engine.homes import note_home
from workbook.engine.pull import load, present, pull
from workbook.kube import kubeconfig
from workbook.kube.client import Api, node_port
from workbook.kube.kubectl import find_kubectl, require_kubectl, server_minor

if TYPE_CHECKING:
    from docker.models.containers import Container

LOADED = "workbook.image"
"""The label on an image in the node that names the engine's image from which it was loaded."""


CLUSTER = "io.x-k8s.kind.cluster"
"""The label on the container of a node, with the name of the cluster."""


class Kind(Cluster):
    """A kind cluster, with one node or with two."""

    provider = Provider.KIND

    @property
    def context(self) -> str:
        return f"kind-{self.name}"

    @property
    def driver(self) -> str:
        return "docker"

    def describe(self) -> str:
        nodes = "one node, in a container" if self.settings.nodes == 1 else "two nodes, in containers"
        return f"kind, cluster {self.name!r}: {nodes} of this machine's Docker engine"

    def node(self) -> "Container | None":
        return next(iter(self.nodes()), None)

    def nodes(self) -> "list[Container]":
        """The containers of the nodes, that of the control plane first."""
        found = self.engine.containers.list(all=True, filters={"label": f"{CLUSTER}={self.name}"})
        return sorted(found, key=lambda container: container.name or "")  # "…-control-plane", then "…-worker"

    @property
    def built_here(self) -> bool:
        """Whether its nodes exist, and their image was built from source."""
        nodes = self.nodes()
        return bool(nodes) and all(_built_here(container) for container in nodes)

    def _kind(self, *words: str) -> list[str]:
        return [str(self.program("kind") or node.kind()), *words, "--name", self.name]

    def status(self) -> State:
        nodes = self.nodes()
        if not nodes:
            return State.ABSENT
        if not _all_run(nodes):
            return State.STOPPED
        return State.BROKEN if kubeconfig.is_valid(self) and not ready.reach(self) else State.RUNNING

    def start(self) -> Api:
        nodes = self.nodes()
        # A node that has just been switched off is still Ready for its cluster.
        if _all_run(nodes) and not self._unfinished.exists() and (api := ready.reach(self)):
            return api
        if nodes:
            try:
                return self._resume(nodes)
            except WorkbookError as error:
                print(f"The cluster {self.name!r} does not start, so a new one replaces it.\n{error.what}")
                self.delete()
        return self._create()

    def _resume(self, nodes: "list[Container]") -> Api:
        """Start the stopped ones among the nodes, and connect to the cluster."""
        if len(nodes) < self.settings.nodes or self._unfinished.exists():
            raise WorkbookError("Its creation was interrupted.")
        with step(f"Start the cluster {self.name!r} again"):
            for container in nodes:
                _start(container)
            return self._connect(timeout=90)

    def _create(self) -> Api:
        image, official = self.node_image()
        config = self.scratch.with_name("kind.yaml")
        self._unfinished.touch()
        networks = [None] * self.settings.nodes if official else self._networks()
        volumes = None if official else self._volumes()
        content = node.kind_config(node.machine.detect(), not official, networks, self._patches(), volumes)
        config.write_text(yaml.safe_dump(content), encoding="utf-8")
        command = self._kind("create", "cluster")  # which may install kind, a step of its own
        command += ["--image", image, "--config", str(config), "--kubeconfig", str(self.scratch)]
        with step(f"Create the cluster {self.name!r} with kind") as running:
            run(
                command,
                show=True,
                timeout=900,
                on_line=running.update,
                fix="Run this again. Docker needs 4 GB of memory and about 10 GB of free disk space. If other clusters run on"
                f" this machine, stop them. On Linux, you can also raise the limit of inotify instances: {ready.MORE_INOTIFY}.",
            )
            api = self._connect()
            if not official:
                _provide_volumes(api)
            self._unfinished.unlink()
            return api

    @property
    def _unfinished(self) -> Path:
        """The file that exists until the cluster's creation is complete. After an interruption, its API server may already answer."""
        return self.folder / "unfinished"

    def _patches(self) -> Path:
        """Write the patches for what kubeadm creates, and return their folder."""
        folder = self.folder / "patches"
        folder.mkdir(exist_ok=True)
        for name, content in node.kubeadm_patches().items():
            (folder / name).write_text(content, encoding="utf-8")
        return folder

    def _volumes(self) -> Path:
        """Write the part of the kubelet's unit that keeps volumes on the disk, and return the file."""
        file = self.folder / "volumes.conf"
        file.write_text(node.KEEP_VOLUMES, encoding="utf-8")
        return file

    def _networks(self) -> list[Path | None]:
        """Write the network of Pods for each node, and return the files. A single node uses the one in its image."""
        if self.settings.nodes == 1:
            return [None]
        files: list[Path | None] = []
        for number in range(self.settings.nodes):
            files.append(file := self.folder / f"pods-{number}.conflist")
            file.write_text(node.pod_network(number), encoding="utf-8")
        return files

    def _connect(self, timeout: float = 180) -> Api:
        api = ready.connect(self, read(self._kind("get", "kubeconfig")), timeout)
        self._connect_pods()
        return api

    def _connect_pods(self) -> None:
        """Let the Pods of each node reach those of the others. In the official image, a network plugin does this.

        Documentation: https://kubernetes.io/docs/concepts/cluster-administration/networking/#how-to-implement-the-kubernetes-network-model
        """
        nodes = self.nodes()
        if len(nodes) == 1 or not self.built_here:
            return
        for number, container in enumerate(nodes):
            for other, neighbor in enumerate(nodes):
                if other != number:
                    route = ["ip", "route", "replace", node.pod_range(other), "via", _address(neighbor)]
                    _run_in(container, route, show=True)
            _run_in(container, node.masquerade(number))

    def node_image(self) -> tuple[str, bool]:
        """The node image to use, and whether it is the official one."""
        note_home(self.engine)
        if bundle := self.settings.bundle:
            return load(self.engine, *bundle.archive("node")), bundle.official()
        official = node.official()
        for image in (official, node.node_tag()):
            if present(self.engine, image):
                return image, image == official
        tag = pull(self.engine, official, "building a node image from source", lambda: node.node_image(self.engine))
        return tag, tag == official

    def stop(self) -> None:
        if nodes := self.nodes():
            with step(f"Stop the cluster {self.name!r}"):
                for container in reversed(nodes):
                    print(f"$ docker stop {container.name}")
                    container.stop()

    def delete(self) -> None:
        if self.nodes():
            with step(f"Delete the cluster {self.name!r}"):
                run([*self._kind("delete", "cluster"), "--kubeconfig", str(self.scratch)], show=True)
        kubeconfig.forget(self.kubeconfig)

    def stop_node(self, name: str) -> None:
        with step(f"Switch off the node {name!r}"):
            print(f"$ docker kill {name}")  # `docker stop` would end the node's programs in order
            self._node_named(name).kill()

    def start_node(self, name: str) -> None:
        with step(f"Start the node {name!r} again"):
            _start(self._node_named(name))
            ready.wait_for_nodes(self, Api(self))
            self._connect_pods()

    def _node_named(self, name: str) -> "Container":
        for container in self.nodes():
            if container.name == name:
                return container
        raise WorkbookError(f"The cluster {self.name!r} has no node {name!r}.", fix="`nodes()` shows their names.")

    def kubectl(self) -> list[str]:
        minor = server_minor(self)
        copy = self.folder / "from-node" / "kubectl"
        if path := find_kubectl(minor, first=copy if copy.is_file() else None):
            return [path]
        if sys.platform != "linux":  # the node's program doesn't run on other systems
            return [require_kubectl(minor)]
        _copy_kubectl(self._existing_nodes()[0], copy)
        return [str(copy)]

    def load(self, *images: str) -> None:
        identities = {image: str(self.engine.images.get(image).id) for image in images}
        changed: dict[str, str] = {}
        for container in self._existing_nodes():
            listing = _ctr(container, "images", "list")  # shows the labels, LOADED among them
            on_node = {line.split()[0]: line for line in listing.splitlines() if line}
            changed |= {
                image: name for image, name in identities.items() if name not in on_node.get(full_name(image), "")
            }
        if not changed:
            return
        with step(f"Load {', '.join(changed)} onto the {'node' if self.settings.nodes == 1 else 'nodes'}"):
            try:  # in one call, so that shared layers are copied only once
                run(self._kind("load", "docker-image", *changed), show=True)
            except CommandFailed as error:
                if "no space left" not in error.output:
                    raise
                raise WorkbookError(
                    "The images do not fit onto the node: its disk is full.",
                    error.output.strip().splitlines()[-1][-300:],
                    "Free some space: `docker system df` shows what Docker stores, `docker system prune` removes what is unused.",
                ) from None
            for container in self._existing_nodes():
                for image, identity in changed.items():
                    _ctr(container, "images", "label", full_name(image), f"{LOADED}={identity}")

    def images(self) -> list[str]:
        listing = self._ctr("images", "list", "--quiet")
        return [short_name(line) for line in listing.splitlines() if "@" not in line and not line.startswith("sha256:")]

    def remove(self, image: str) -> None:
        for container in self._existing_nodes():
            _ctr(container, "images", "remove", "--sync", full_name(image))

    def run_on_node(self, image: str, name: str) -> None:
        containerd.run(self._shown_ctr, image, name)

    def end_on_node(self, name: str) -> None:
        containerd.end(self._shown_ctr, name)

    def running_on_node(self) -> list[str]:
        return containerd.running(self._ctr)

    def _ctr(self, *words: str, show: bool = False) -> str:
        """Run `ctr` on the node with the control plane, and return its output."""
        return _ctr(self._existing_nodes()[0], *words, show=show)

    def _shown_ctr(self, *words: str) -> str:
        """Run `ctr` as `_ctr` does; print the command, unless it is a list that only helps."""
        return self._ctr(*words, show="list" not in words)

    def _existing_nodes(self) -> "list[Container]":
        """The containers of the nodes.

        Raises:
            WorkbookError: there are none.
        """
        if nodes := self.nodes():
            return nodes
        raise WorkbookError(f"The node of the cluster {self.name!r} does not exist.", fix="Run `make up`.")

    def url(self, service: str) -> str:
        port = node_port(Api(self), service)
        container = self._existing_nodes()[0]
        return published(container, port) or f"http://{_address(container)}:{port}"


def _all_run(nodes: "list[Container]") -> bool:
    """Whether there are nodes, and all of them are running."""
    return bool(nodes) and all(container.status == "running" for container in nodes)


def _start(container: "Container") -> None:
    """Start a node, unless it is running.

    Raises:
        WorkbookError: it does not start.
    """
    # Imported here, because the Docker SDK loads slowly.
    from docker.errors import APIError

    if container.status == "running":
        return
    print(f"$ docker start {container.name}")
    try:
        container.start()
    except APIError as error:
        raise WorkbookError("The cluster's node does not start.", str(error)) from error


def _address(container: "Container") -> str:
    """The node's address in the network of the Docker engine."""
    networks = container.attrs["NetworkSettings"]["Networks"]
    return str(next(iter(networks.values()))["IPAddress"])


def _built_here(container: "Container") -> bool:
    """Whether the node's image was built from source, here or for a bundle. Such an image only has a bridge for its Pods."""
    repository, _, _ = node.node_tag().partition(":")
    return str(container.attrs["Config"]["Image"]).startswith(f"{repository}:")


def _ctr(container: "Container", *words: str, show: bool = False) -> str:
    """Run `ctr`, the client of a node's container runtime, and return its output."""
    return _run_in(container, ["ctr", "--namespace=k8s.io", *words], show=show)


def _copy_kubectl(container: "Container", target: Path) -> None:
    """Copy kubectl from a node to this machine. In an image that was built here, it is a link."""
    path = _run_in(container, ["readlink", "--canonicalize", "/usr/bin/kubectl"]).strip()
    content, _ = container.get_archive(path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(content))) as archive:
        if program := archive.extractfile(archive.getmembers()[0]):
            kubeconfig.replace(target, program.read(), mode=0o700)


def _run_in(container: "Container", command: list[str], *, show: bool = False) -> str:
    """Run a command in a node, after printing it if `show`, and return its standard output.

    Raises:
        CommandFailed: it failed.
    """
    # Not by the SDK's `exec_run`, which loses the output that arrives together with the header of the engine's answer:
    # https://github.com/docker/docker-py/issues/2042
    return run(["docker", "exec", str(container.name), *command], show=show, apart=True)


def _provide_volumes(api: Api) -> None:
    """Give PersistentVolumeClaims a folder of the node, as kind's own node image does with a program that ours lacks."""
    classes = "/apis/storage.k8s.io/v1/storageclasses"
    # The provisioner of a class cannot be changed, so this replaces the class of the node image.
    api.request("DELETE", f"{classes}/{node.STORAGE_CLASS['metadata']['name']}")
    api.request("POST", classes, body=node.STORAGE_CLASS)
