"""The Docker engine: the one that runs, else one that is installed and started here, else an error that helps."""

import os
import platform
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException
from docker.utils import kwargs_from_env

from node import machine
from workbook.base import apt as packages
from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.paths import home
from workbook.base.processes import run
from workbook.base.steps import step
from workbook.bundle import choose as bundle

OLDEST_API = (1, 41)
PROBE, WORK = 20, 600
"""Seconds to wait for an answer: when looking for an engine, and when it works (it may build or load an image)."""

SOCKET = "unix:///var/run/docker.sock"
PID = Path("/var/run/docker.pid")
CONTAINERD_PID = Path("/var/run/docker/containerd/containerd.pid")
RUNTIME = "workbook"

INSTALL = {
    "Darwin": "Install Docker Desktop (https://docs.docker.com/desktop/) or colima, and start it.",
    "Windows": "Install Docker Desktop (https://docs.docker.com/desktop/) and start it.",
    "Linux": "Install Docker Engine (https://docs.docker.com/engine/install/); on Debian and Ubuntu that is"
    " `sudo apt-get install docker.io`. Then start it: `sudo systemctl start docker`.",
}
START = {
    "Darwin": "Start Docker Desktop, or `colima start`.",
    "Windows": "Start Docker Desktop.",
    "Linux": "Start it: `sudo systemctl start docker`.",
}


def ensure_engine() -> docker.DockerClient:
    """A connection to a working Docker engine.

    That is the engine which `DOCKER_HOST` or the current Docker context names, when it answers. On Debian and Ubuntu,
    for root, it is otherwise installed from the distribution's packages and started.

    Raises:
        WorkbookError: there is no engine, it may not be used by this user, it is too old, or it cannot run a node;
            says what to do.

    Documentation: https://docs.docker.com/engine/
    """
    try:
        return _usable(_connect())
    except DockerException as error:
        problem = error
    if not _startable(problem):
        raise explain(problem, platform.system()) from problem
    with lock(home() / "engine.lock", "starting the Docker engine", patience=300):
        try:
            return _usable(_connect())  # another process has started it meanwhile
        except DockerException:
            facts = machine.detect()
            _install(facts)
            _start(facts)
            return _usable(_connect())


def reach_engine(patience: float) -> docker.DockerClient:
    """A connection to a working engine that runs already, as `ensure_engine` wants it; nothing is installed or started.

    Args:
        patience: seconds that it has for each later answer.

    Raises:
        WorkbookError: as `ensure_engine`.
    """
    try:
        engine = _usable(_connect())
    except DockerException as error:
        if _startable(error):
            raise WorkbookError(
                "No Docker engine runs.", str(error), "Run `make up`: on this system it installs and starts one."
            ) from error
        raise explain(error, platform.system()) from error
    engine.api.timeout = patience
    return engine


def running_engine() -> docker.DockerClient | None:
    """A connection to the engine when one runs already, else None; nothing is started.

    Raises:
        WorkbookError: it runs, and is too old.
    """
    try:
        return _connect()
    except DockerException:
        return None


def stop_engine() -> bool:
    """Stops the engine if it was started here, and with it every container; whether it was.

    Raises:
        WorkbookError: it does not end.
    """
    if not _note().exists():
        return False
    pid, _, begun = _note().read_text().partition(" ")
    ours = pid.isdigit() and _name(int(pid)) == "dockerd" and _begun(int(pid)) == begun
    if ours:
        with step("Stop the Docker engine"):
            os.kill(int(pid), signal.SIGTERM)
            deadline = time.monotonic() + 60
            while _name(int(pid)) == "dockerd":
                if time.monotonic() > deadline:
                    raise WorkbookError(
                        "The Docker engine did not end within 60 s.",
                        f"It is process {pid}.",
                        f"Read its log, {_log()}, or end it: `sudo kill -9 {pid}`.",
                    )
                time.sleep(0.1)  # it is no child of this process, so there is nothing to wait on
    _note().unlink()
    return ours


def _chosen() -> tuple[str, docker.Context | None]:
    """What names the engine to use, in words, and the context if it is one; as the docker command chooses.

    Documentation: https://docs.docker.com/engine/manage-resources/contexts/
    """
    if os.environ.get("DOCKER_HOST"):
        return "DOCKER_HOST", None
    try:
        context = docker.ContextAPI.get_context(os.environ.get("DOCKER_CONTEXT"))
    except Exception as error:  # the SDK raises bare exceptions over a damaged context
        raise DockerException(f"the Docker context cannot be read: {error}") from error
    if context is None or not context.Host:
        raise DockerException("the current Docker context does not exist")
    return f"the Docker context {context.name!r}", context


def _connect() -> docker.DockerClient:
    """A connection to the engine that is running, checked. Raises DockerException when there is none."""
    _, context = _chosen()
    if context is None:
        return connect(**kwargs_from_env())
    return connect(base_url=context.Host, tls=context.TLSConfig or False)


def connect(**where: Any) -> docker.DockerClient:
    """A connection to the engine at `where` (`base_url` and `tls`, as the SDK's DockerClient takes them).

    Raises:
        DockerException: it does not answer.
        WorkbookError: it is too old.
    """
    try:
        # A first connection, of a version that needs no question, asks for the version to use.
        first = docker.DockerClient(**where, version=_dotted(OLDEST_API), timeout=PROBE)
        first.api.trust_env = False
        version = first.api.version(api_version=False)["ApiVersion"]
        first.close()
        if tuple(map(int, version.split("."))) < OLDEST_API:
            raise _too_old(f"it speaks API {version}")
        engine = docker.DockerClient(**where, version=version, timeout=WORK)
    except OSError as error:  # a connection that breaks: requests' errors are no DockerException
        raise DockerException(str(error)) from error
    # Certificates and proxies that are set for the web (REQUESTS_CA_BUNDLE, HTTPS_PROXY) are not for an engine.
    engine.api.trust_env = False
    return engine


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _too_old(how: str) -> WorkbookError:
    return WorkbookError(
        f"The Docker engine is too old: {how}.",
        f"The workbook needs API {_dotted(OLDEST_API)}, that is Docker 20.10, or newer.",
        "Update Docker: https://docs.docker.com/engine/install/",
    )


def _usable(engine: docker.DockerClient) -> docker.DockerClient:
    """The engine, if it can run containers with all privileges: a cluster's node is one."""
    local = SOCKET.endswith(engine.api.base_url.rpartition("://")[2]) or "localhost" in engine.api.base_url
    if local and machine.detect().locked_down and engine.info()["DefaultRuntime"] == "runc":
        raise WorkbookError(
            "This Docker engine cannot run a cluster's node, and it is not the workbook's to reconfigure.",
            "On this machine root lacks CAP_SYS_RESOURCE, which a container with all privileges asks for.",
            "Stop that engine (`sudo service docker stop`), then run this again: the workbook starts one that can.",
        )
    return engine


def explain(problem: Exception, system: str) -> WorkbookError:
    """The error for an engine that cannot be reached, by what its client says.

    Args:
        problem: what the client said.
        system: as platform.system() names it.
    """
    text = str(problem)
    if "Permission denied" in text or "PermissionError" in text:
        return WorkbookError(
            "Docker runs, but this user may not use it.",
            text,
            "Join the docker group: `sudo usermod -aG docker $USER`, then log out and in again.",
        )
    if elsewhere := _elsewhere():
        return WorkbookError(
            f"No Docker engine answers where {elsewhere} points.",
            text,
            "Start that engine, or choose another: unset DOCKER_HOST, `docker context use default`.",
        )
    if _which("dockerd") if system == "Linux" else _which("docker"):
        return WorkbookError(
            "Docker is installed, but its engine does not answer.", text, START.get(system, START["Linux"])
        )
    return WorkbookError("There is no Docker engine on this machine.", text, INSTALL.get(system, INSTALL["Linux"]))


def _elsewhere() -> str:
    """What points the client to another engine than this system's own, in words; empty when nothing does."""
    try:
        name, context = _chosen()
    except DockerException:
        return "the current Docker context"
    return "" if context is not None and context.name == "default" else name


def _startable(problem: Exception) -> bool:
    """Whether this is root on Debian or Ubuntu with no engine chosen elsewhere: then one can be had here."""
    return packages.installable() and not _elsewhere() and "Permission denied" not in str(problem)


def _which(program: str) -> str | None:
    """Finds a program, also among those for root, which an ordinary user's PATH leaves out."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))


def _install(facts: machine.Machine) -> None:
    """Installs what is missing of the engine, from the distribution's packages."""
    needed = {"dockerd": "docker.io", "iptables": "iptables"} | ({"jq": "jq"} if facts.locked_down else {})
    missing = [package for program, package in needed.items() if not _which(program)]
    if not _which("docker"):
        missing.append("docker-cli")  # since Debian 13 apart from the engine
    if not missing:
        return
    if bundle.chosen():
        raise WorkbookError(
            f"Docker is not complete on this machine: {', '.join(missing)} missing.",
            "A bundle brings everything but Docker and Python, and nothing is fetched beside it.",
            INSTALL["Linux"],
        )
    packages.refresh("Packages cannot be reached: connect to a network, or install Docker yourself.")
    if "docker-cli" in missing and not packages.available("docker-cli"):
        missing.remove("docker-cli")
        missing = list(dict.fromkeys([*missing, "docker.io"]))
    packages.install(missing, "Install Docker yourself: https://docs.docker.com/engine/install/.")
    if facts.locked_down and not facts.systemd and running_engine():
        run(["service", "docker", "stop"], show=True)  # its package has started it, without our runtime


def _start(facts: machine.Machine) -> None:
    """Starts the engine and waits until it answers."""
    with step("Start the Docker engine"):
        if facts.systemd:
            run(["systemctl", "start", "docker"], show=True, fix="Read why: `journalctl -u docker`.")
        elif _name(_read_pid(PID)) != "dockerd":  # one that is just starting is only waited for
            _spawn(facts)
        deadline = time.monotonic() + 60
        while running_engine() is None:
            ended = not facts.systemd and _note().exists() and not _name(int(_note().read_text().split()[0]))
            if ended or time.monotonic() > deadline:
                tail = _log().read_text(errors="replace").splitlines()[-10:] if _log().exists() else []
                raise WorkbookError(
                    "The Docker engine ended at once." if ended else "The Docker engine did not answer within 60 s.",
                    "\n".join(tail),
                    f"Read its log, {_log()}, and remove the cause; then run this again.",
                )
            time.sleep(0.2)  # it says that it is ready only by answering


def _spawn(facts: machine.Machine) -> None:
    """Starts dockerd by hand, apart from this process and its terminal, where no service manager does."""
    _folder().mkdir(parents=True, exist_ok=True)
    _clear_remains()
    with _log().open("wb") as log:
        process = subprocess.Popen(
            daemon(facts, _folder(), SOCKET),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    _note().write_text(f"{process.pid} {_begun(process.pid)}")


def daemon(facts: machine.Machine, folder: Path, socket: str) -> list[str]:
    """The command of an engine that can run a cluster's node on this machine.

    Args:
        facts: what kind of machine this is.
        folder: where the engine's runtime is put, if it needs one of its own.
        socket: where it is to listen, such as `unix:///var/run/docker.sock`.

    Documentation: https://docs.docker.com/reference/cli/dockerd/
    """
    command = [_which("dockerd"), "--host", socket]
    if facts.locked_down:
        wrapper = folder / "runc-wrapper"
        shutil.copy2(Path(machine.__file__).with_name("runc-wrapper"), wrapper)
        command += ["--add-runtime", f"{RUNTIME}={wrapper}", "--default-runtime", RUNTIME]
    return command


def _folder() -> Path:
    """Where the notes about an engine that was started here are kept."""
    return home() / "engine"


def _note() -> Path:
    return _folder() / "dockerd.pid"


def _log() -> Path:
    return _folder() / "dockerd.log"


def _clear_remains() -> None:
    """Takes away what an engine that was killed leaves behind, so that the next one starts.

    Its pid files may by now name other processes, and dockerd believes them. A containerd that lives on without it
    is taken over by the next dockerd, with the containers in it.
    """
    for file, name in ((PID, "dockerd"), (CONTAINERD_PID, "containerd")):
        if file.exists() and _name(_read_pid(file)) != name:
            file.unlink()


def _read_pid(file: Path) -> int:
    """The process that a pid file names; 0 when there is none, or the file is damaged."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0


def _name(pid: int) -> str:
    """The name of a running process, empty when there is none. Of one that has ended but was not collected, too."""
    fields = _stat(pid)
    return "" if not fields or fields[0] == "Z" else Path(f"/proc/{pid}/comm").read_text().strip()


def _begun(pid: int) -> str:
    """When a process began, in the kernel's ticks: with its number, that names one process for good."""
    fields = _stat(pid)
    return fields[19] if fields else ""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
