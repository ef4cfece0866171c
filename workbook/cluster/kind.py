"""kind, Kubernetes in a container, through its own command line: https://kind.sigs.k8s.io/

Its node image is the official one where that can be pulled; elsewhere node/ builds one from source.
"""

import tempfile
from functools import cached_property
from pathlib import Path

import docker
import yaml
from docker.errors import APIError, NotFound

import node
from workbook.base.errors import WorkbookError
from workbook.base.processes import CommandFailed, run
from workbook.base.steps import step
from workbook.bundle import choose as bundle
from workbook.cluster import choose as cluster
from workbook.cluster import ready
from workbook.cluster.choose import Image, State
from workbook.engine.find import ensure_engine
from workbook.engine.pull import present, pull
from workbook.kube import kubeconfig
from workbook.lessons.kubectl import missing, program, server_minor

LOADED = "workbook.image"
"""The label on a node's image that names the engine's image it was loaded from."""


class Kind:
    """A kind cluster of one node."""

    provider = "kind"
    namespace = "workbook"
    started = ""

    def __init__(self, name: str) -> None:
        self.name, self.context = name, f"kind-{name}"

    @property
    def kubeconfig(self) -> Path:
        return cluster.folder(self.name) / "kubeconfig"

    def describe(self) -> str:
        return f"kind, cluster {self.name!r}: one node in a container of this machine's Docker engine"

    @cached_property
    def _engine(self) -> docker.DockerClient:
        return ensure_engine()

    def _node(self):
        """The node's container, None when there is none."""
        try:
            return self._engine.containers.get(f"{self.name}-control-plane")
        except NotFound:
            return None

    def _kind(self, *args: str, **options) -> str:
        return run([_program("kind") or node.kind(), *args], show=True, **options)

    def status(self) -> State:
        container = self._node()
        if container is None:
            return "Absent"
        if container.status != "running":
            return "Stopped"
        if kubeconfig.sound(self.kubeconfig, self.context, self.namespace) and not ready.healthy(
            self.kubeconfig, self.context
        ):
            return "Broken"
        return "Running"

    def start(self) -> None:
        trusted = kubeconfig.sound(self.kubeconfig, self.context, self.namespace)
        if trusted and ready.healthy(self.kubeconfig, self.context):
            return
        container = self._node()
        if container is not None:
            try:
                self._resume(container)
                return
            except WorkbookError as error:
                print(f"The cluster {self.name!r} is beyond repair, so a new one takes its place.\n{error.what}")
                self.delete()
        self._create()

    def _resume(self, container) -> None:
        """Starts a node that is stopped, connects to one that runs."""
        with step(f"Start the cluster {self.name!r} again"):
            if container.status != "running":
                print(f"$ docker start {container.name}")
                try:
                    container.start()
                except APIError as error:
                    raise WorkbookError("Its node does not start.", str(error)) from error
                container.reload()
                self.started = container.attrs["State"]["StartedAt"][: len("2026-01-01T00:00:00")]
            self._connect(timeout=90)

    def _create(self) -> None:
        image, official = self.node_image()
        machine = node.machine.detect()
        config = node.kind_config(machine, not official)
        with step(f"Create the cluster {self.name!r} with kind") as running, tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, "kind.yaml")
            file.write_text(yaml.safe_dump(config))
            self._kind(
                "create",
                "cluster",
                "--name",
                self.name,
                "--image",
                image,
                "--config",
                str(file),
                "--kubeconfig",
                str(Path(scratch, "kubeconfig")),
                timeout=900,
                on_line=running.update,
                # https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files
                fix="Run this again. Docker needs 4 GB of memory and some 10 GB of free disk. Where other clusters run on"
                " this machine, stop them, or let it have more: `sudo sysctl fs.inotify.max_user_instances=512`.",
            )
            self._connect()

    def _connect(self, timeout: float = 180) -> None:
        text = run([_program("kind") or node.kind(), "get", "kubeconfig", "--name", self.name])
        api = ready.connect(self.kubeconfig, text, self.context, self.namespace)
        ready.nodes_ready(api, timeout)

    def node_image(self) -> tuple[str, bool]:
        """The node image to use, and whether it is the official one."""
        if chosen := bundle.chosen():
            return chosen.image(self._engine, "node"), chosen.official()
        official = node.OFFICIAL
        if present(self._engine, official):
            return official, True
        if present(self._engine, own := node.node_tag()):
            return own, False
        if pull(self._engine, official, "building a node image from source"):
            return official, True
        return node.node_image(self._engine), False

    def stop(self) -> None:
        if (container := self._node()) is None:
            return
        with step(f"Stop the cluster {self.name!r}"):
            print(f"$ docker stop {container.name}")
            container.stop()

    def delete(self) -> None:
        if self._node() is not None:
            with step(f"Delete the cluster {self.name!r}"), tempfile.TemporaryDirectory() as scratch:
                # kind also takes the cluster out of a kubeconfig: out of an empty one, not the reader's.
                self._kind("delete", "cluster", "--name", self.name, "--kubeconfig", str(Path(scratch, "kubeconfig")))
        kubeconfig.forget(self.kubeconfig)

    def kubectl(self) -> list[str]:
        if path := program(server_minor(self), first=_program("kubectl") or node.kubectl()):
            return [path]
        raise missing()

    def docker(self) -> docker.DockerClient:
        return self._engine

    def load(self, *images: str) -> None:
        identities = {image: self._engine.images.get(image).id for image in images}
        listing = self._ctr("images", "list")  # with the labels, in which LOADED is
        there = {line.split()[0]: line for line in listing.splitlines() if line}
        changed = [image for image in images if identities[image] not in there.get(_full(image), "")]
        if not changed:
            return
        with step(f"Load {', '.join(changed)} onto the node"):
            try:  # at once: what they share is copied once
                self._kind("load", "docker-image", *changed, "--name", self.name)
            except CommandFailed as error:
                if "no space left" not in error.output:
                    raise
                raise WorkbookError(
                    "The images do not fit onto the node: its disk is full.",
                    error.output.strip().splitlines()[-1][-300:],
                    "Make room: `docker system df` tells what Docker holds, `docker system prune` removes what is not used.",
                ) from None
            for image in changed:
                self._ctr("images", "label", _full(image), f"{LOADED}={identities[image]}")

    def images(self) -> list[Image]:
        listing = self._ctr("images", "list", "--quiet")
        return [
            Image.parse(line) for line in listing.splitlines() if "@" not in line and not line.startswith("sha256:")
        ]

    def remove(self, image: str) -> None:
        self._ctr("images", "remove", "--sync", _full(image))

    def _ctr(self, *words: str) -> str:
        """Asks the node's container runtime."""
        command = ["ctr", "--namespace=k8s.io", *words]
        code, output = self._node().exec_run(command)
        if code:
            raise WorkbookError(f"`{' '.join(command)}` failed in the node.", output.decode(errors="replace")[-500:])
        return output.decode()

    def reference(self, image: str) -> str:
        return image

    def localize(self, manifest: str) -> str:
        return manifest

    def url(self, service: str) -> str:
        from workbook.kube.client import node_port

        settings, port = self._node().attrs["NetworkSettings"], node_port(service)
        if port == node.NODE_PORT and (mapped := settings["Ports"].get(f"{port}/tcp")):
            return f"http://127.0.0.1:{mapped[0]['HostPort']}"
        return f"http://{next(iter(settings['Networks'].values()))['IPAddress']}:{port}"


def _program(name: str) -> Path | None:
    """The program that a bundle brings, None where there is no bundle."""
    return chosen.program(name) if (chosen := bundle.chosen()) else None


def _full(image: str) -> str:
    """The image's name as the runtime keeps it."""
    return f"docker.io/library/{image}"


def provider(name: str) -> Kind:
    """The kind cluster `name`."""
    return Kind(name)
