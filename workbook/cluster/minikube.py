"""minikube, through its own command line: https://minikube.sigs.k8s.io/docs/commands/"""

import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbook.base.errors import WorkbookError
from workbook.base.paths import modified
from workbook.base.processes import CommandFailed, read, run, typed
from workbook.base.steps import step
from workbook.bundle.use import minikube_cache
from workbook.cluster import ready
from workbook.cluster.choose import Provider, Settings
from workbook.cluster.protocol import CPUS, MEMORY_MB, Cluster, State, short_name
from workbook.kube import kubeconfig
from workbook.kube.client import Api, node_port
from workbook.kube.kubectl import find_kubectl, server_minor

if TYPE_CHECKING:
    from docker import DockerClient

OPTIONS = "--container-runtime=docker --embed-certs --interactive=false"
START = ("start", f"--cpus={CPUS}", f"--memory={MEMORY_MB}", *OPTIONS.split())
QUIET = {"MINIKUBE_IN_STYLE": "false", "MINIKUBE_WANTUPDATENOTIFICATION": "false"}


class Minikube(Cluster):
    """A minikube profile of the workbook's own, with Docker as the nodes' runtime.

    With Docker, images can be built straight inside the node, as the chapter does.
    """

    provider = Provider.MINIKUBE

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._engines: dict[int, DockerClient] = {}

    @property
    def context(self) -> str:
        return self.name

    def describe(self) -> str:
        return f"minikube, profile {self.name!r}: one node, made for learning, as in the chapter"

    def environment(self) -> dict[str, str]:
        # https://minikube.sigs.k8s.io/docs/handbook/config/#environment-variables
        return super().environment() | {"MINIKUBE_PROFILE": self.name}

    @property
    def starting(self) -> list[str]:
        """The command that starts this cluster, without its name."""
        return [str(self.program("minikube") or "minikube"), *START]

    def _command(self, *args: str) -> list[str]:
        return [self.starting[0], "-p", self.name, *args]

    def _run(self, *args: str, timeout: float = 600, on_line: Callable[[str], None] | None = None) -> None:
        """Run minikube, shown as a reader would type it."""
        env = {"KUBECONFIG": str(self.scratch)}
        print(f"$ {typed(self._command(*args), env)}", flush=True)
        fix = (
            f"Read minikube's message above. `minikube delete -p {self.name}` gives up this cluster; "
            "WORKBOOK_CLUSTER=kind uses kind instead."
        )
        run(self._command(*args), env=QUIET | env, timeout=timeout, on_line=on_line, fix=fix)

    def _read(self, *args: str, timeout: float = 120) -> str:
        """What minikube prints on its standard output."""
        return read(self._command(*args), env=QUIET | {"KUBECONFIG": str(self.scratch)}, timeout=timeout)

    def status(self) -> State:
        try:
            answer = self._read("status", "-o", "json", timeout=60)
        except CommandFailed as error:
            answer = error.output  # minikube fails when the cluster does not run
        for line in answer.splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                status = json.loads(line)
                if not isinstance(status, dict) or "Host" not in status:
                    continue
                if status["Host"] == status["Kubelet"] == status["APIServer"] == "Running":
                    return State.RUNNING
                return {"Stopped": State.STOPPED, "Nonexistent": State.ABSENT}.get(status["Host"], State.BROKEN)
        # In JSON, the name is in escaped quotes.
        if re.search(rf'Profile \\?"{re.escape(self.name)}\\?" not found', answer):
            return State.ABSENT
        raise WorkbookError(
            "minikube is installed, but does not work.",
            answer.strip()[-500:],
            "Repair or reinstall it, or set WORKBOOK_CLUSTER=kind to use kind instead.",
        )

    def start(self) -> Api:
        if api := ready.reach(self):
            return api
        if self.status() is State.BROKEN:
            print(f"The cluster {self.name!r} is broken; making a new one.")
            self.delete()
        with step(f"Start the cluster {self.name!r} with minikube") as running:
            if self.settings.bundle:
                self.settings.bundle.fill_minikube()
            self._run(*START, timeout=1800, on_line=running.update)
            return ready.connect(self, self.scratch.read_text())

    def stop(self) -> None:
        with step(f"Stop the cluster {self.name!r}"):
            self._run("stop")

    def delete(self) -> None:
        with step(f"Delete the cluster {self.name!r}"):
            self._run("delete")
        kubeconfig.forget(self.kubeconfig)

    def kubectl(self) -> list[str]:
        minor = server_minor(self)
        if path := find_kubectl(minor):
            return [path]
        self._read("kubectl", "--", "version", "--client", timeout=600)  # downloads one that fits, once
        # The file itself: `minikube kubectl` writes a log for each command, and leaves a child when it is ended.
        if path := find_kubectl(minor, first=cached_kubectl(minor)):
            return [path]
        return self._command("kubectl", "--")

    def docker(self) -> "DockerClient":
        # Asked once for each start, which writes the kubeconfig and may change the engine's address.
        if (start := modified(self.kubeconfig)) not in self._engines:
            # The Docker SDK is loaded with the engine, not with this module.
            from docker.utils import kwargs_from_env

            from workbook.engine.find import connect  # this one, too

            answer = environment(self._read("docker-env", "--shell", "none"))
            self._engines = {start: connect(**kwargs_from_env(environment=answer))}
        return self._engines[start]

    def docker_environment(self) -> dict[str, str]:
        return environment(self._read("docker-env", "--shell", "none"))

    def load(self, *images: str) -> None:
        """Nothing to do: the engine that built them is the node's own."""

    def images(self) -> list[str]:
        return [short_name(tag) for image in self.docker().images.list() for tag in image.tags]

    def remove(self, image: str) -> None:
        # The Docker SDK is loaded with the engine, not with this module.
        from docker.errors import ImageNotFound

        with contextlib.suppress(ImageNotFound):
            self.docker().images.remove(image, force=True)

    def url(self, service: str) -> str:
        node_port(Api(self), service)  # minikube answers for other Services too: with a tunnel that must stay open
        return self._read("service", service, "--url", "-n", self.namespace, timeout=60).split()[-1]


def environment(answer: str) -> dict[str, str]:
    """The variables in the output of `minikube docker-env --shell none`: lines of KEY=VALUE.

    Raises:
        WorkbookError: DOCKER_HOST is not among them.
    """
    pairs = (line.partition("=") for line in answer.splitlines())
    found = {key.strip(): value.strip().strip('"') for key, _, value in pairs if key.strip().isidentifier()}
    if "DOCKER_HOST" not in found:
        raise WorkbookError(
            "minikube does not report how to reach the Docker engine in its node.",
            answer.strip()[-500:],
            "The cluster may run another runtime than Docker: `make clean` removes it, `make up` creates it again.",
        )
    return found


def cached_kubectl(minor: int) -> Path | None:
    """The newest kubectl 1.`minor` in minikube's cache; None when there is none.

    Documentation: https://minikube.sigs.k8s.io/docs/handbook/offline/
    """
    found = [path for path in minikube_cache().glob(f"*/*/v1.{minor}.*/kubectl*") if path.suffix in ("", ".exe")]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)
