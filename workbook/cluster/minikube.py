"""minikube, driven through its command line: https://minikube.sigs.k8s.io/docs/commands/"""

import atexit
import contextlib
import json
import os
import platform
import random
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, NamedTuple

import node
from workbook.base.errors import WorkbookError
from workbook.base.paths import modified
from workbook.base.processes import CommandFailed, end, read, run, typed
from workbook.base.steps import step
from workbook.bundle.use import minikube_cache
from workbook.cluster import containerd, ready
from workbook.cluster.choose import INSTALL_MINIKUBE, Provider, Settings
from workbook.cluster.protocol import CPUS, MEMORY_MB, Cluster, State, kubernetes_time, published, short_name
from workbook.kube import kubeconfig
from workbook.kube.client import Api, bypassing_proxies, node_port
from workbook.kube.kubectl import find_kubectl, server_minor

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

QUIET = {"MINIKUBE_IN_STYLE": "false", "MINIKUBE_WANTUPDATENOTIFICATION": "false"}
PORT_TAKEN = re.compile(r".*(address already in use|port is already allocated|Ports are not available).*")
"""How Docker on Linux and Docker Desktop report a port that they cannot publish."""
SMALL_MB = 1900
"""The memory of each of two nodes. minikube requires 1,800 MB."""


class Choice(NamedTuple):
    """How minikube runs a node: driver (empty: minikube chooses it), reason, container runtime, and memory in MB."""

    driver: str
    reason: str
    runtime: str
    memory: int = MEMORY_MB

    @property
    def forced(self) -> bool:
        """Whether `--force` is needed: only with it may root use a driver other than none (DRV_AS_ROOT)."""
        return sys.platform != "win32" and os.geteuid() == 0 and self.driver != "none"

    def __str__(self) -> str:
        place = "in the node" if self.runtime == "docker" else "by this machine's engine, and loaded onto the node"
        words = f"driver {self.driver or 'chosen by minikube'} ({self.reason}), runtime {self.runtime} (images are built {place})"
        return words + (", --force (minikube refuses root without it)" if self.forced else "")


class Minikube(Cluster):
    """The workbook's own minikube profile.

    With Docker as the node's runtime, images can be built directly inside the node, as in the chapter.
    """

    provider = Provider.MINIKUBE

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._engines: dict[int, DockerClient] = {}
        self._tunnels: dict[str, tuple[subprocess.Popen[bytes], str]] = {}

    @property
    def context(self) -> str:
        return self.name

    @property
    def driver(self) -> str:
        return str(self._profile().get("Driver", ""))

    def describe(self) -> str:
        nodes = "one node" if self.settings.nodes == 1 else "two nodes"
        return f"minikube, profile {self.name!r}: {nodes}, made for learning, as in the chapter\n  {self.choice()}"

    def environment(self) -> dict[str, str]:
        # kubectl would ask the API server through a proxy: https://minikube.sigs.k8s.io/docs/handbook/vpn_and_proxy/
        addresses = [node.get("IP", "") for node in self._profile().get("Nodes") or []]
        # https://minikube.sigs.k8s.io/docs/handbook/config/#environment-variables
        return super().environment() | {"MINIKUBE_PROFILE": self.name} | bypassing_proxies(*addresses)

    def _profile(self) -> dict[str, Any]:
        """minikube's configuration of the profile; empty if there is no such profile."""
        try:
            found = json.loads((minikube_cache().parent / "profiles" / self.name / "config.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def _runtime(self) -> str:
        """The container runtime in the profile's node."""
        return self._profile().get("KubernetesConfig", {}).get("ContainerRuntime") or "docker"

    def choice(self, engine: "DockerClient | None" = None) -> Choice:
        """Return the profile's driver and runtime; for a new profile, choose those that fit this machine.

        Args:
            engine: this machine's Docker engine; found when None.

        Documentation: https://minikube.sigs.k8s.io/docs/drivers/
        """
        if driver := self._profile().get("Driver"):
            return Choice(
                driver, "this profile was created with it", self._runtime, self._profile().get("Memory", MEMORY_MB)
            )
        info = engine.info() if (engine := engine or _running_engine()) and shutil.which("docker") else {}
        several = self.settings.nodes > 1  # minikube's `docker-env`, to build images in the node, needs a single node
        if not info or info.get("OSType", "linux") != "linux":
            reason = "no Docker engine for Linux containers is running"
            return Choice("", reason, "containerd" if several else "docker", SMALL_MB if several else MEMORY_MB)
        # https://minikube.sigs.k8s.io/docs/drivers/docker/#rootless-docker
        rootless = "name=rootless" in (info.get("SecurityOptions") or [])
        # minikube refuses to request more than the engine has, which is a little less than 4 GB on a machine sold with 4 GB.
        memory = min(SMALL_MB if several else MEMORY_MB, info.get("MemTotal", MEMORY_MB * 2**20) // 2**20)
        runtime = "containerd" if rootless or several else "docker"
        return Choice("docker", "this machine's Docker engine is running", runtime, memory)

    @property
    def starting(self) -> list[str]:
        """The command that starts this cluster, without the cluster's name."""
        choice = self.choice()
        return [
            *(self._program, "start", f"--cpus={CPUS}", f"--memory={choice.memory}"),
            *([f"--nodes={self.settings.nodes}"] if self.settings.nodes > 1 else []),
            *([f"--driver={choice.driver}"] if choice.driver else []),
            *(f"--container-runtime={choice.runtime}", "--embed-certs", "--interactive=false"),
            # minikube allows no other setting of node.kubeadm_patches: its options can't change probes.
            *(f"--extra-config=controller-manager.{flag.removeprefix('--')}" for flag in node.MANY_REQUESTS),
            *(f"--extra-config=kubelet.{flag}={value}" for flag, value in node.BOUNDS.values()),
            *(["--force"] if choice.forced else []),
        ]

    @property
    def _program(self) -> str:
        if program := self.program("minikube"):
            return str(program)
        installed_minikube()
        return "minikube"  # as a reader types it

    def _command(self, *args: str) -> list[str]:
        return [self._program, "-p", self.name, *args]

    def _run(self, *args: str, timeout: float = 600, on_line: Callable[[str], None] | None = None) -> None:
        """Run minikube, and print the command as a reader would type it."""
        env = {"KUBECONFIG": str(self.scratch)}
        print(f"$ {typed(self._command(*args), env)}", flush=True)
        fix = (
            f"Read minikube's message above. `minikube delete -p {self.name}` deletes this cluster; "
            "WORKBOOK_CLUSTER=kind uses kind instead."
        )
        run(self._command(*args), env=QUIET | env, timeout=timeout, on_line=on_line, fix=fix)

    def _read(self, *args: str, timeout: float = 120) -> str:
        """Run minikube, and return its standard output."""
        return read(self._command(*args), env=QUIET | {"KUBECONFIG": str(self.scratch)}, timeout=timeout)

    def status(self) -> State:
        try:
            answer = self._read("status", "-o", "json", timeout=60)
        except CommandFailed as error:
            answer = error.output  # minikube fails when the cluster does not run
        for line in answer.splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                found, _ = json.JSONDecoder().raw_decode(line)  # the rest comes from standard error
                nodes = found if isinstance(found, list) else [found]
                if nodes and all(isinstance(status, dict) and "Host" in status for status in nodes):
                    return _state(nodes)
        # In JSON, the name is in escaped quotes.
        if re.search(rf'Profile \\?"{re.escape(self.name)}\\?" not found', answer):
            return State.ABSENT
        raise WorkbookError(
            "minikube is installed, but does not work.",
            answer.strip()[-500:],
            "Repair or reinstall it, or set WORKBOOK_CLUSTER=kind to use kind instead.",
        )

    def start(self) -> Api:
        # A node that has just been switched off is still Ready for its cluster.
        if (self.settings.nodes == 1 or self.status() is State.RUNNING) and (api := ready.reach(self)):
            return api
        if self.status() is State.BROKEN:
            print(f"The cluster {self.name!r} is broken; creating a new one.")
            self.delete()
        with step(f"Start the cluster {self.name!r} with minikube") as running:
            if self.settings.bundle:
                self.settings.bundle.fill_minikube()
            _, *words = self.starting
            # The nodes would share the port, and only one of them can have it.
            if not self._profile() and "--driver=docker" in words and self.settings.nodes == 1:
                words.append(f"--ports=127.0.0.1:{_free_port()}:{node.NODE_PORT}")  # like kind's: see node.kind_config
            try:
                self._run(*words, timeout=1800, on_line=running.update)
            except CommandFailed as error:
                if not (taken := PORT_TAKEN.search(error.output)):
                    raise
                fix = "Stop the program that uses it, such as another cluster (`docker ps` shows their ports). Then run this again."
                raise WorkbookError("A port of the cluster's node is in use.", taken[0].strip(), fix) from None
            return ready.connect(self, self.scratch.read_text(encoding="utf-8"))

    def stop(self) -> None:
        if self._profile():  # minikube refuses to stop a profile that does not exist
            with step(f"Stop the cluster {self.name!r}"):
                self._run("stop")

    def delete(self) -> None:
        with step(f"Delete the cluster {self.name!r}"):
            self._run("delete")
        kubeconfig.forget(self.kubeconfig)

    def stop_node(self, name: str) -> None:
        with step(f"Switch off the node {name!r}"):
            if container := self._container(name):
                print(f"$ docker kill {name}")  # `minikube node stop` would end the node's programs in order
                container.kill()
            else:
                self._run("node", "stop", name)

    def start_node(self, name: str) -> None:
        with step(f"Start the node {name!r} again") as running:
            self._run("node", "start", name, on_line=running.update)
            ready.wait_for_nodes(self, Api(self))

    def kubectl(self) -> list[str]:
        # Use the file itself: `minikube kubectl` writes a log for each command, and leaves a child process when stopped.
        minor = server_minor(self)
        if path := find_kubectl(minor, first=cached_kubectl(minor)):
            return [path]
        self._read("kubectl", "--", "version", "--client", timeout=600)  # downloads a kubectl that fits, if necessary
        if path := find_kubectl(minor, first=cached_kubectl(minor)):
            return [path]
        return self._command("kubectl", "--")

    def node(self) -> "Container | None":
        return self._container(self.name)

    def _container(self, name: str) -> "Container | None":
        """The node's container; None with a driver that creates virtual machines."""
        if self._profile().get("Driver") != "docker":
            return None
        found = self.engine.containers.list(all=True, filters={"name": f"^/?{name}$"})
        return next(iter(found), None)

    def started(self) -> str:
        if started := super().started():
            return started
        # The start of process 1, in a virtual machine or container: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
        process, *system = self._read("ssh", "--", "cat", "/proc/1/stat", "/proc/stat").splitlines()
        boot = next(line.split()[1] for line in system if line.startswith("btime"))
        ticks = process.rpartition(")")[2].split()[19]
        return kubernetes_time(datetime.fromtimestamp(int(boot) + int(ticks) // 100, UTC))

    def docker(self) -> "DockerClient":
        if self._runtime != "docker":
            return self.engine
        # Connect once per start of the cluster, which writes the kubeconfig and may change the engine's address.
        if (start := modified(self.kubeconfig)) not in self._engines:
            # Imported here, because the Docker SDK loads slowly.
            from docker.utils import kwargs_from_env

            from workbook.engine.find import connect  # imports the Docker SDK, too

            self._engines = {start: connect(**kwargs_from_env(environment=self.docker_environment()))}
        return self._engines[start]

    def docker_environment(self) -> dict[str, str]:
        return environment(self._read("docker-env", "--shell", "none")) if self._runtime == "docker" else {}

    @property
    def docker_setup(self) -> str:
        if self._runtime != "docker":
            return ""
        command = typed(self._command("docker-env"))
        return f"{command} | Invoke-Expression" if sys.platform == "win32" else f"eval $({command})"

    def load(self, *images: str) -> None:
        if self._runtime == "docker":
            return  # the node's own engine built them
        on_node = self._images()
        changed = [each for each in images if self.engine.images.get(each).id != on_node.get(each)]
        if not changed:
            return
        with step(f"Load {', '.join(changed)} onto the node"):
            self._run("image", "load", "--daemon", *changed)
            if missing := set(changed) - set(self._images()):
                raise WorkbookError(
                    f"minikube did not load {', '.join(sorted(missing))} onto the node.",
                    fix=f"Check whether the node's disk is full: `minikube -p {self.name} ssh -- df -h /var`.",
                )

    def images(self) -> list[str]:
        if self._runtime != "docker":
            return list(self._images())
        return [short_name(tag) for image in self.docker().images.list() for tag in image.tags]

    def _images(self) -> dict[str, str]:
        """The names and tags of the images on the node, and their IDs."""
        found = json.loads(self._read("image", "ls", "--format", "json"))
        return {
            short_name(tag): f"sha256:{image['id'].removeprefix('sha256:')}"
            for image in found
            for tag in image["repoTags"] or []
        }

    def remove(self, image: str) -> None:
        if self._runtime != "docker":
            return self._run("image", "rm", image)
        # Imported here, because the Docker SDK loads slowly.
        from docker.errors import ImageNotFound

        with contextlib.suppress(ImageNotFound):
            self.docker().images.remove(image, force=True)

    def run_on_node(self, image: str, name: str) -> None:
        if self._runtime != "docker":
            return containerd.run(self._ctr, image, name)
        self.end_on_node(name)
        print(f"$ docker run --detach --name {name} {image}")
        self.docker().containers.run(image, name=name, detach=True)

    def end_on_node(self, name: str) -> None:
        if self._runtime != "docker":
            return containerd.end(self._ctr, name)
        # Imported here, because the Docker SDK loads slowly.
        from docker.errors import NotFound

        with contextlib.suppress(NotFound):
            container = self.docker().containers.get(name)
            if str(container.name).startswith("k8s_"):  # a Pod's; the kubelet removes it
                print(f"$ docker kill {name}")
                container.kill()
            else:
                print(f"$ docker rm --force {name}")
                container.remove(force=True)

    def running_on_node(self) -> list[str]:
        if self._runtime != "docker":
            return containerd.running(self._ctr)
        return [str(container.name) for container in self.docker().containers.list()]

    def _ctr(self, *words: str) -> str:
        """Run `ctr`, containerd's client, in the node, and return its output; print the command, unless it is a list."""
        if self._runtime != "containerd":
            raise WorkbookError(
                f"The workbook starts no containers with the node's container runtime {self._runtime!r}.",
                fix=f"Read this section without running its cells. Or create a new cluster: `minikube delete -p {self.name}`, "
                "then run `begin(…)` again.",
            )
        command = ["ssh", "--", "sudo", "ctr", "--namespace=k8s.io", *words]
        if "list" not in words:
            print(f"$ {typed(self._command(*command))}")
        return self._read(*command)

    def url(self, service: str) -> str:
        # This refuses other types of Services, for which minikube would print an address.
        port = node_port(Api(self), service)
        return published(self.node(), port) or self._tunnel(service)

    def _tunnel(self, service: str) -> str:
        """Return the address that minikube reports for a Service.

        If this machine cannot reach the node, minikube forwards a port while it runs, so it runs until this process ends.

        Documentation: https://minikube.sigs.k8s.io/docs/handbook/accessing/
        """
        process, url = self._tunnels.get(service, (None, ""))
        if process and process.poll() is None:
            return url
        command = self._command("service", service, "--url", "-n", self.namespace)
        env = os.environ | QUIET | {"KUBECONFIG": str(self.scratch)}
        process = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        timer = Timer(60, end, [process])
        timer.start()
        assert process.stdout
        printed = []
        try:
            for raw in process.stdout:
                printed.append(line := raw.decode(errors="replace"))
                if line.startswith(("http://", "https://")):
                    atexit.register(end, process)
                    self._tunnels[service] = process, line.strip()
                    return line.strip()
        finally:
            timer.cancel()
        raise CommandFailed(command, process.wait(), "".join(printed))


def _state(nodes: list[dict[str, str]]) -> State:
    """The state of a cluster from what minikube reports about each of its nodes, the control plane first."""
    control_plane = nodes[0]
    if control_plane["APIServer"] == "Paused":
        return State.STOPPED  # `minikube start` ends the pause
    hosts = {status["Host"] for status in nodes}
    if hosts == {"Running"} and control_plane["APIServer"] == "Running":
        return State.RUNNING if all(status["Kubelet"] == "Running" for status in nodes) else State.BROKEN
    if control_plane["Host"] == "Nonexistent":
        return State.ABSENT
    # `minikube start` also starts a worker that is off.
    return State.STOPPED if hosts <= {"Running", "Stopped"} and "Stopped" in hosts else State.BROKEN


def _running_engine() -> "DockerClient | None":
    """Return this machine's Docker engine, if a usable one is running."""
    # The Docker SDK takes a fifth of a second to load, so it is imported only here.
    from workbook.engine.find import running_engine

    with contextlib.suppress(WorkbookError):
        return running_engine()
    return None


def _free_port() -> int:
    """Find a free port of this machine for the node, outside the ranges that systems use for outgoing connections."""
    for port in random.sample(range(30000, 32768), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise WorkbookError("No port is free between 30000 and 32767.", fix="Stop programs that listen on these ports.")


def installed_minikube() -> str:
    """Return the path of the minikube on PATH.

    Raises:
        WorkbookError: there is none.
    """
    if path := shutil.which("minikube"):
        return path
    raise WorkbookError("minikube is not installed.", "There is no such program on PATH.", INSTALL_MINIKUBE)


def environment(answer: str) -> dict[str, str]:
    """Parse the variables in the output of `minikube docker-env --shell none`: lines of KEY=VALUE.

    Raises:
        WorkbookError: DOCKER_HOST is not among them.
    """
    pairs = (line.partition("=") for line in answer.splitlines())
    found = {key.strip(): value.strip().strip('"') for key, _, value in pairs if key.strip().isidentifier()}
    if "DOCKER_HOST" not in found:
        raise WorkbookError(
            "minikube does not report how to reach the Docker engine in its node.",
            answer.strip()[-500:],
            "Restart the cluster with `make up`, then run this again.",
        )
    return found


def cached_kubectl(minor: int) -> Path | None:
    """Return the newest kubectl 1.`minor` for this system in minikube's cache; None if there is none.

    Documentation: https://minikube.sigs.k8s.io/docs/handbook/offline/
    """
    programs = f"{platform.system().lower()}/*/v1.{minor}.*/kubectl*"  # the cache also has the node's, which may be for another system
    found = [path for path in minikube_cache().glob(programs) if path.suffix in ("", ".exe")]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)
