"""minikube, through its own command line: https://minikube.sigs.k8s.io/docs/commands/"""

import contextlib
import json
import os
import re
from pathlib import Path

import docker
from docker.utils import kwargs_from_env

from workbook.base.errors import WorkbookError
from workbook.base.processes import CommandFailed, run
from workbook.base.steps import step
from workbook.bundle import choose as bundle
from workbook.cluster import choose as cluster
from workbook.cluster import ready
from workbook.cluster.choose import CPUS, MEMORY_MB, Image, State
from workbook.engine import find as engine
from workbook.kube import kubeconfig

START = (
    "start",
    f"--cpus={CPUS}",
    f"--memory={MEMORY_MB}",
    "--container-runtime=docker",
    "--embed-certs",
    "--interactive=false",
)


class Minikube:
    """A minikube profile of the workbook's own, with Docker as the nodes' runtime.

    The runtime is Docker so that images can be built straight inside the node, as the chapter does.
    """

    provider = "minikube"
    started = ""
    namespace = "workbook"

    def __init__(self, name: str) -> None:
        self.name = self.context = name

    @property
    def kubeconfig(self) -> Path:
        return cluster.folder(self.name) / "kubeconfig"

    def describe(self) -> str:
        return f"minikube, profile {self.name!r}: one node, made for learning, as in the chapter"

    def _minikube(self, *args: str, show: bool = True, **options) -> str:
        # minikube writes to the file KUBECONFIG names: one that is thrown away, never the reader's.
        scratch = self.kubeconfig.with_name("minikube.kubeconfig")
        scratch.parent.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("MINIKUBE_IN_STYLE", "false")
        os.environ.setdefault("MINIKUBE_WANTUPDATENOTIFICATION", "false")
        return run(
            [*_program(), "-p", self.name, *args],
            env={"KUBECONFIG": str(scratch)},
            show=show,
            fix=f"Read minikube's message above. `minikube delete -p {self.name}` gives up this cluster; "
            "WORKBOOK_CLUSTER=kind uses kind instead.",
            **options,
        )

    def status(self) -> State:
        try:
            answer = self._minikube("status", "-o", "json", show=False, timeout=60)
        except CommandFailed as error:
            answer = error.output  # a cluster that is not running is no failure of the question
        for line in answer.splitlines():
            try:
                status = json.loads(line)
            except json.JSONDecodeError:
                continue
            if not isinstance(status, dict) or "Host" not in status:
                continue
            if status["Host"] == status["Kubelet"] == status["APIServer"] == "Running":
                return "Running"
            return {"Stopped": "Stopped", "Nonexistent": "Absent"}.get(status["Host"], "Broken")
        # As JSON the name is in escaped quotes.
        if re.search(rf'Profile \\?"{re.escape(self.name)}\\?" not found', answer):
            return "Absent"
        raise WorkbookError(
            "minikube is installed, but does not work.",
            answer.strip()[-500:],
            "Repair or reinstall it, or set WORKBOOK_CLUSTER=kind to use kind instead.",
        )

    def start(self) -> None:
        if kubeconfig.sound(self.kubeconfig, self.context, self.namespace) and ready.healthy(
            self.kubeconfig, self.context
        ):
            return
        if self.status() == "Broken":
            print(f"The cluster {self.name!r} is broken; making a new one.")
            self.delete()
        with step(f"Start the cluster {self.name!r} with minikube") as running:
            if chosen := bundle.chosen():
                chosen.fill_minikube()
            self._minikube(*START, timeout=1800, on_line=running.update)
            scratch = self.kubeconfig.with_name("minikube.kubeconfig")
            api = ready.connect(self.kubeconfig, scratch.read_text(), self.context, self.namespace)
            ready.nodes_ready(api)

    def starting(self) -> list[str]:
        """The words that start this cluster, but for its name."""
        return [*_program(), *START]

    def stop(self) -> None:
        with step(f"Stop the cluster {self.name!r}"):
            self._minikube("stop")

    def delete(self) -> None:
        with step(f"Delete the cluster {self.name!r}"):
            self._minikube("delete")
        kubeconfig.forget(self.kubeconfig)

    def kubectl(self) -> list[str]:
        from workbook.lessons.kubectl import program, server_minor

        minor = server_minor(self)
        if path := program(minor):
            return [path]
        self._minikube("kubectl", "--", "version", "--client", show=False)  # fetches the one that fits, once
        # The file itself: `minikube kubectl` leaves a log for each command, and a child behind when it is ended.
        if path := program(minor, first=fetched(minor)):
            return [path]
        return [*_program(), "-p", self.name, "kubectl", "--"]

    def docker(self) -> docker.DockerClient:
        answer = self._minikube("docker-env", "--shell", "none", show=False, timeout=120)
        return engine.connect(**kwargs_from_env(environment=environment(answer)))

    def load(self, *images: str) -> None:
        """Nothing to do: the engine that built them is the node's own."""

    def images(self) -> list[Image]:
        return [
            Image.parse(tag, image.attrs.get("Size", 0)) for image in self.docker().images.list() for tag in image.tags
        ]

    def remove(self, image: str) -> None:
        with contextlib.suppress(docker.errors.ImageNotFound):
            self.docker().images.remove(image, force=True)

    def reference(self, image: str) -> str:
        return image

    def localize(self, manifest: str) -> str:
        return manifest

    def url(self, service: str) -> str:
        from workbook.kube.client import node_port

        node_port(service)  # minikube has an answer for others, too: a tunnel that would have to be kept open
        return self._minikube("service", service, "--url", "-n", self.namespace, show=False, timeout=60).split()[-1]


def _program() -> list[str]:
    """minikube: the bundle's, else the one on PATH."""
    brought = chosen.program("minikube") if (chosen := bundle.chosen()) else None
    return [str(brought or "minikube")]


def environment(answer: str) -> dict[str, str]:
    """The variables in what `minikube docker-env --shell none` prints: KEY=VALUE lines.

    Raises:
        WorkbookError: there is no DOCKER_HOST among them.
    """
    pairs = (line.partition("=") for line in answer.splitlines())
    found = {key.strip(): value.strip().strip('"') for key, _, value in pairs if key.strip().isidentifier()}
    if "DOCKER_HOST" not in found:
        raise WorkbookError(
            "minikube does not tell how to reach the Docker engine in its node.",
            answer.strip()[-500:],
            "The cluster may run another runtime than Docker: `make clean` removes it, `make up` makes it anew.",
        )
    return found


def fetched(minor: int) -> Path | None:
    """The newest kubectl 1.`minor` in minikube's cache; None when there is none.

    Documentation: https://minikube.sigs.k8s.io/docs/handbook/offline/
    """
    home = Path(os.environ.get("MINIKUBE_HOME") or Path.home())
    cache = (home if home.name == ".minikube" else home / ".minikube") / "cache"
    found = cache.glob(f"*/*/v1.{minor}.*/kubectl*")
    return max(
        (path for path in found if path.suffix in ("", ".exe")), key=lambda path: path.stat().st_mtime, default=None
    )


def provider(name: str) -> Minikube:
    """The minikube cluster `name`."""
    return Minikube(name)
