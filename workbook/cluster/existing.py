"""A cluster that somebody else runs: the workbook keeps to one Namespace of it.

`WORKBOOK_CONTEXT` names the context in the reader's kubeconfig, which is only read; `WORKBOOK_NAMESPACE` the
Namespace (default `workbook`); `WORKBOOK_REGISTRY` the image registry that both this machine and the nodes reach.
"""

import os
from functools import cached_property
from pathlib import Path

import docker
import yaml
from docker.errors import APIError

from workbook.base.errors import WorkbookError
from workbook.base.processes import CommandFailed, run
from workbook.base.steps import step
from workbook.cluster import choose as cluster
from workbook.cluster import ready
from workbook.cluster.choose import LABEL, Image, State
from workbook.engine.find import ensure_engine
from workbook.kube import kubeconfig


class Existing:
    """One Namespace of a cluster that is there already."""

    provider = "existing"
    started = ""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def context(self) -> str:
        """The context that the environment names, or that was used before."""
        if "WORKBOOK_CONTEXT" not in os.environ and (used := kubeconfig.current(self.kubeconfig)):
            return used[0]
        return _setting("WORKBOOK_CONTEXT", "the context of that cluster: `kubectl config get-contexts` lists them")

    @cached_property
    def namespace(self) -> str:
        """The Namespace that the environment names, or that was used before."""
        used = kubeconfig.current(self.kubeconfig)
        return os.environ.get("WORKBOOK_NAMESPACE") or (used[1] if used else "workbook")

    @property
    def kubeconfig(self) -> Path:
        return cluster.folder(self.name) / "kubeconfig"

    def describe(self) -> str:
        return f"an existing cluster, context {self.context!r}: only its Namespace {self.namespace!r} is used"

    def status(self) -> State:
        known = kubeconfig.sound(self.kubeconfig, self.context, self.namespace)
        return "Absent" if not known else "Running" if ready.healthy(self.kubeconfig, self.context) else "Stopped"

    def start(self) -> None:
        if self.status() == "Running":
            return
        from workbook.lessons.kubectl import missing, program

        # Any kubectl will do here: what is known of the cluster may no longer be let in to ask for its version.
        if not (kubectl := program()):
            raise missing()
        with step(f"Connect to {self.context!r}"):
            text = run(
                [kubectl, "config", "view", "--minify", "--flatten", "--context", self.context, "-o", "yaml"],
                show=True,
                fix="WORKBOOK_CONTEXT must be one of `kubectl config get-contexts`.",
            )
            api = ready.connect(self.kubeconfig, text, self.context, self.namespace)
            ready.nodes_ready(api)

    def stop(self) -> None:
        print(f"The cluster behind {self.context!r} is not the workbook's to stop.")

    def delete(self) -> None:
        if kubeconfig.current(self.kubeconfig) and not ready.healthy(self.kubeconfig, self.context):
            print(
                f"The cluster behind {self.context!r} does not answer: its Namespace {self.namespace!r}, if any, stays."
            )
        elif kubeconfig.current(self.kubeconfig):
            with step(f"Delete the Namespace {self.namespace!r} of {self.context!r}") as running:
                mine = ["--selector", LABEL, "--field-selector", f"metadata.name={self.namespace}"]
                try:
                    env = {"KUBECONFIG": str(self.kubeconfig)}
                    run([*self.kubectl(), "delete", "namespace", *mine], env=env, show=True)
                except CommandFailed as error:
                    if "(Forbidden)" not in error.output:
                        raise
                    running.result = "it stays, because it is not yours to delete; who has made it for you can"
        kubeconfig.forget(self.kubeconfig)

    def kubectl(self) -> list[str]:
        from workbook.lessons.kubectl import missing, program, server_minor

        known = kubeconfig.sound(self.kubeconfig, self.context, self.namespace)
        if path := program(server_minor(self) if known else None):
            return [path]
        raise missing()

    @cached_property
    def _registry(self) -> str:
        return _setting("WORKBOOK_REGISTRY", "a registry that this machine can push to and the nodes can pull from")

    @cached_property
    def _engine(self) -> docker.DockerClient:
        return ensure_engine()

    def docker(self) -> docker.DockerClient:
        return self._engine

    def load(self, *images: str) -> None:
        """Pushes the images to the registry, from which the nodes pull them."""
        pushed = self._pushed()
        for image in images:
            identity = self._engine.images.get(image).id
            if pushed.get(image) != identity or not self._in_registry(image):
                self._push(image)
                self._remember(self._pushed() | {image: identity})

    def _push(self, image: str) -> None:
        target = self.reference(image)
        repository, _, tag = target.rpartition(":")
        with step(f"Push {target}") as running:
            self._engine.images.get(image).tag(repository, tag)
            for message in self._engine.api.push(repository, tag, stream=True, decode=True):
                if "error" in message:
                    raise WorkbookError(
                        f"{target} was not pushed: {message['error']}",
                        fix=f"`docker login {self._registry}`, or correct WORKBOOK_REGISTRY.",
                    )
                running.update(message.get("status", ""))
        self._engine.images.remove(target)  # only the name, which was there for the push

    def images(self) -> list[Image]:
        return [Image.parse(image) for image in sorted(self._pushed()) if self._in_registry(image)]

    def _in_registry(self, image: str) -> bool:
        """Asks the registry, through the engine, which knows how to log in to it."""
        try:
            self._engine.api.inspect_distribution(self.reference(image))
            return True
        except APIError as error:
            if error.status_code == 404 or "unknown" in str(error):
                return False
            raise WorkbookError(
                f"The registry {self._registry} does not answer as one.",
                str(error),
                f"Start it, correct WORKBOOK_REGISTRY, or `docker login {self._registry}`.",
            ) from error

    @property
    def _note(self) -> Path:
        return self.kubeconfig.with_name("pushed")

    def _pushed(self) -> dict[str, str]:
        """The images that were pushed, and their identities in the engine."""
        return dict(line.split() for line in self._note.read_text().splitlines()) if self._note.exists() else {}

    def _remember(self, pushed: dict[str, str]) -> None:
        self._note.write_text("".join(f"{image} {identity}\n" for image, identity in pushed.items()))

    def remove(self, image: str) -> None:
        """Forgets the image; what a registry holds is not the workbook's to delete, and the next push replaces it."""
        self._remember({name: identity for name, identity in self._pushed().items() if name != image})

    def reference(self, image: str) -> str:
        return f"{self._registry}/{image}"

    def localize(self, manifest: str) -> str:
        """The manifest with the workbook's images taken from the registry, which `Never` would forbid."""
        documents = list(yaml.safe_load_all(manifest))
        for document in documents:
            pod = (document.get("spec") or {}).get("template", document).get("spec") or {}
            for container in pod.get("containers", []):
                if container.get("image") in _catalog():
                    container["image"] = self.reference(container["image"])
                    container["imagePullPolicy"] = "Always"
        return yaml.safe_dump_all(documents)

    def url(self, service: str) -> str:
        from workbook.kube.client import list_objects, node_port

        nodes = list_objects("nodes")["items"]
        address = next(entry["address"] for entry in nodes[0]["status"]["addresses"] if entry["type"] == "InternalIP")
        return f"http://{address}:{node_port(service)}"


def _catalog() -> dict:
    from workbook.engine.build import catalog

    return catalog()


def _setting(name: str, meaning: str) -> str:
    """An environment variable that this provider cannot do without."""
    if value := os.environ.get(name):
        return value
    raise WorkbookError(
        f"{name} is not set, and WORKBOOK_CLUSTER=existing needs it.",
        f"It names {meaning}.",
        f"Set {name}, then run this again.",
    )


def provider(name: str) -> Existing:
    """The existing cluster that the environment names."""
    return Existing(name)
