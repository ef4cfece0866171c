"""kind, Kubernetes in a container, driven through its command line: https://kind.sigs.k8s.io/

Its node image is the official one if that can be pulled. Otherwise node/ builds one from source.
"""

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
from workbook.kube.kubectl import require_kubectl, server_minor

if TYPE_CHECKING:
    from docker.models.containers import Container

LOADED = "workbook.image"
"""The label on an image in the node that names the engine's image from which it was loaded."""


class Kind(Cluster):
    """A kind cluster with one node."""

    provider = Provider.KIND

    @property
    def context(self) -> str:
        return f"kind-{self.name}"

    @property
    def driver(self) -> str:
        return "docker"

    def describe(self) -> str:
        return f"kind, cluster {self.name!r}: one node, in a container of this machine's Docker engine"

    def node(self) -> "Container | None":
        found = self.engine.containers.list(all=True, filters={"name": f"^/?{self.name}-control-plane$"})
        return next(iter(found), None)

    def _kind(self, *words: str) -> list[str]:
        return [str(self.program("kind") or node.kind()), *words, "--name", self.name]

    def status(self) -> State:
        container = self.node()
        if container is None:
            return State.ABSENT
        if container.status != "running":
            return State.STOPPED
        return State.BROKEN if kubeconfig.is_valid(self) and not ready.reach(self) else State.RUNNING

    def start(self) -> Api:
        if api := ready.reach(self):
            return api
        if container := self.node():
            try:
                return self._resume(container)
            except WorkbookError as error:
                print(f"The cluster {self.name!r} does not start, so a new one replaces it.\n{error.what}")
                self.delete()
        return self._create()

    def _resume(self, container: "Container") -> Api:
        """Start a stopped node, and connect to it."""
        # Imported here, because the Docker SDK loads slowly.
        from docker.errors import APIError

        with step(f"Start the cluster {self.name!r} again"):
            if container.status != "running":
                print(f"$ docker start {container.name}")
                try:
                    container.start()
                except APIError as error:
                    raise WorkbookError("The cluster's node does not start.", str(error)) from error
            return self._connect(timeout=90)

    def _create(self) -> Api:
        image, official = self.node_image()
        config = self.scratch.with_name("kind.yaml")
        config.write_text(yaml.safe_dump(node.kind_config(node.machine.detect(), not official)), encoding="utf-8")
        options = ["--image", image, "--config", str(config), "--kubeconfig", str(self.scratch)]
        with step(f"Create the cluster {self.name!r} with kind") as running:
            run(
                [*self._kind("create", "cluster"), *options],
                show=True,
                timeout=900,
                on_line=running.update,
                # https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files
                fix="Run this again. Docker needs 4 GB of memory and about 10 GB of free disk space. If other clusters run on"
                " this machine, stop them, or raise its limit: `sudo sysctl fs.inotify.max_user_instances=512`.",
            )
            api = self._connect()
            if not official:
                _provide_volumes(api)
            return api

    def _connect(self, timeout: float = 180) -> Api:
        return ready.connect(self, read(self._kind("get", "kubeconfig")), timeout)

    def node_image(self) -> tuple[str, bool]:
        """The node image to use, and whether it is the official one."""
        note_home(self.engine)
        if bundle := self.settings.bundle:
            return load(self.engine, *bundle.archive("node")), bundle.official()
        for image, official in ((node.OFFICIAL, True), (node.node_tag(), False)):
            if present(self.engine, image):
                return image, official
        tag = pull(
            self.engine, node.OFFICIAL, "building a node image from source", lambda: node.node_image(self.engine)
        )
        return tag, tag == node.OFFICIAL

    def stop(self) -> None:
        if container := self.node():
            with step(f"Stop the cluster {self.name!r}"):
                print(f"$ docker stop {container.name}")
                container.stop()

    def delete(self) -> None:
        if self.node():
            with step(f"Delete the cluster {self.name!r}"):
                run([*self._kind("delete", "cluster"), "--kubeconfig", str(self.scratch)], show=True)
        kubeconfig.forget(self.kubeconfig)

    def kubectl(self) -> list[str]:
        return [require_kubectl(server_minor(self), first=self.program("kubectl") or node.kubectl())]

    def load(self, *images: str) -> None:
        identities = {image: str(self.engine.images.get(image).id) for image in images}
        listing = self._ctr("images", "list")  # shows the labels, LOADED among them
        on_node = {line.split()[0]: line for line in listing.splitlines() if line}
        changed = [image for image in images if identities[image] not in on_node.get(full_name(image), "")]
        if not changed:
            return
        with step(f"Load {', '.join(changed)} onto the node"):
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
            for image in changed:
                self._ctr("images", "label", full_name(image), f"{LOADED}={identities[image]}")

    def images(self) -> list[str]:
        listing = self._ctr("images", "list", "--quiet")
        return [short_name(line) for line in listing.splitlines() if "@" not in line and not line.startswith("sha256:")]

    def remove(self, image: str) -> None:
        self._ctr("images", "remove", "--sync", full_name(image))

    def run_on_node(self, image: str, name: str) -> None:
        containerd.run(self._shown_ctr, image, name)

    def end_on_node(self, name: str) -> None:
        containerd.end(self._shown_ctr, name)

    def running_on_node(self) -> list[str]:
        return containerd.running(self._ctr)

    def _shown_ctr(self, *words: str) -> str:
        """Run `ctr` as `_ctr` does; print the command, unless it is a list that only helps."""
        if "list" not in words and (container := self.node()):
            print(f"$ docker exec {container.name} ctr --namespace=k8s.io {' '.join(words)}")
        return self._ctr(*words)

    def _ctr(self, *words: str) -> str:
        """Run `ctr`, the client of the node's container runtime, and return its output."""
        command = ["ctr", "--namespace=k8s.io", *words]
        if (container := self.node()) is None:
            raise self._no_node()
        result = container.exec_run(command)
        content = result.output if isinstance(result.output, bytes) else b"".join(result.output)
        output = content.decode(errors="replace")
        if result.exit_code:
            raise WorkbookError(f"`{' '.join(command)}` failed in the node.", output[-500:])
        return output

    def _no_node(self) -> WorkbookError:
        return WorkbookError(f"The node of the cluster {self.name!r} does not exist.", fix="Run `make up`.")

    def url(self, service: str) -> str:
        port = node_port(Api(self), service)
        if (container := self.node()) is None:
            raise self._no_node()
        networks = container.attrs["NetworkSettings"]["Networks"]
        return published(container, port) or f"http://{next(iter(networks.values()))['IPAddress']}:{port}"


def _provide_volumes(api: Api) -> None:
    """Give PersistentVolumeClaims a folder of the node, as kind's own node image does with a program that ours lacks."""
    classes = "/apis/storage.k8s.io/v1/storageclasses"
    # The provisioner of a class cannot be changed, so this replaces the class of the node image.
    api.request("DELETE", f"{classes}/{node.STORAGE_CLASS['metadata']['name']}").close()
    api.request("POST", classes, body=node.STORAGE_CLASS).close()
