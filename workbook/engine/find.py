"""Find the running Docker engine, or install and start one, or raise an error that explains what to do."""

import os
import platform
from pathlib import Path
from typing import Any

import docker
from docker.auth import AuthConfig
from docker.errors import DockerException, InvalidConfigFile
from docker.utils import kwargs_from_env
from docker.utils.config import load_general_config

from node import machine
from workbook.base import apt
from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.paths import home
from workbook.engine import daemon, login
from workbook.engine.proxies import is_loopback

OLDEST_API = (1, 41)
PROBE, WORK = 20, 600
"""Seconds to wait for an answer: while searching for an engine, and while it works (such as building an image)."""

INSTALL = {
    "Darwin": "Install Docker Desktop (https://docs.docker.com/desktop/) or colima, and start it.",
    "Windows": "Install Docker Desktop (https://docs.docker.com/desktop/) and start it.",
    "Linux": daemon.INSTALL,
}
START = {
    "Darwin": "Start Docker Desktop, or `colima start`.",
    "Windows": "Start Docker Desktop.",
    "Linux": "Start it: `sudo systemctl start docker`.",
}
JOIN = {
    "Darwin": "Another user may have started Docker Desktop: quit it there, then start it as this user.",
    "Windows": "Add this user to the group docker-users. In a terminal that runs as administrator, type "
    f'`net localgroup docker-users "{os.environ.get("USERNAME", "USERNAME")}" /add`; then log out and in again.',
    "Linux": "Add this user to the docker group: `sudo usermod -aG docker $USER`, then log out and in again.",
}
"""How a user gets the right to use the engine: https://docs.docker.com/engine/install/linux-postinstall/."""


def ensure_engine(*, offline: bool = False, nodes: bool = True) -> docker.DockerClient:
    """Return a connection to a working Docker engine; install and start one if necessary.

    This is the engine that `DOCKER_HOST` or the current Docker context names, if it answers. Otherwise, root on Debian
    and Ubuntu installs it from the distribution's packages and starts it.

    Args:
        offline: install nothing.
        nodes: whether the engine has to run a cluster's nodes. If it only builds images, it may also be Podman.

    Raises:
        WorkbookError: there is no engine, this user may not use it, it is too old, or it cannot run a node; with what
            to do.

    Documentation: https://docs.docker.com/engine/
    """
    try:
        return _usable(_connect(), nodes)
    except DockerException as error:
        problem = error
    if not _startable(problem):
        raise explain(problem, platform.system()) from problem
    with lock(home() / "engine.lock", "starting the Docker engine", patience=300):
        try:
            return _usable(_connect(), nodes)  # another process has started it meanwhile
        except DockerException:
            facts = machine.detect()
            daemon.install(facts, lambda: bool(running_engine()), offline=offline)
            daemon.start(facts, lambda: bool(running_engine()))
            return _usable(_connect(), nodes)


def reach_engine(patience: float, *, nodes: bool = True) -> docker.DockerClient:
    """Return a connection to a working engine that already runs; install and start nothing.

    Args:
        patience: seconds to wait for each later answer.
        nodes: as for `ensure_engine`.

    Raises:
        WorkbookError: as for `ensure_engine`.
    """
    try:
        engine = _usable(_connect(), nodes)
    except DockerException as error:
        if _startable(error):
            raise WorkbookError(
                "No Docker engine is running.", str(error), "Run `make up`: on this system, it installs and starts one."
            ) from error
        raise explain(error, platform.system()) from error
    engine.api.timeout = patience  # type: ignore[assignment]  # the stubs only allow whole seconds
    return engine


def running_engine() -> docker.DockerClient | None:
    """Return a connection to the running engine; None if none is running. It starts nothing.

    Raises:
        WorkbookError: the engine is too old.
    """
    try:
        return _connect()
    except DockerException:
        return None


def _chosen() -> tuple[str, docker.Context | None]:
    """Return where the choice of the engine comes from, in words, and the Docker context if it is one.

    The choice is the same as the docker command's.

    Documentation: https://docs.docker.com/engine/manage-resources/contexts/
    """
    if os.environ.get("DOCKER_HOST"):
        return "DOCKER_HOST", None
    try:
        context = docker.ContextAPI.get_context(os.environ.get("DOCKER_CONTEXT"))
    except Exception as error:  # the SDK raises bare exceptions for a damaged context
        raise DockerException(f"the Docker context cannot be read: {error}") from error
    if context is None or not context.Host:
        raise DockerException("the current Docker context does not exist")
    return f"the Docker context {context.name!r}", context


def _connect() -> docker.DockerClient:
    """Connect to the running engine, and check its version. Raises DockerException if none is running."""
    _, context = _chosen()
    if context is None:
        return connect(**kwargs_from_env())
    return connect(base_url=context.Host, tls=context.TLSConfig or False)


def connect(**where: Any) -> docker.DockerClient:
    """Connect to the engine at `where` (`base_url` and `tls`, as for the SDK's DockerClient).

    Raises:
        DockerException: it does not answer.
        WorkbookError: it is too old, or the reader's Docker configuration is damaged.
    """
    oldest = ".".join(map(str, OLDEST_API))
    _check_configuration()
    try:
        # The first connection asks for the API version that the second one uses.
        first = docker.DockerClient(**where, version=oldest, timeout=PROBE)
        first.api.trust_env = False
        version = first.api.version(api_version=False)["ApiVersion"]
        first.close()
        if tuple(map(int, version.split("."))) < OLDEST_API:
            raise WorkbookError(
                f"The Docker engine is too old: it supports API {version}.",
                f"The workbook needs API {oldest} (Docker 20.10) or newer.",
                "Update Docker: https://docs.docker.com/engine/install/",
            )
        engine = docker.DockerClient(**where, version=version, timeout=WORK)
    except (OSError, ValueError) as error:  # a broken connection, an invalid address, or another program answers
        raise DockerException(str(error)) from error
    # Certificates and proxies for the web (REQUESTS_CA_BUNDLE, HTTPS_PROXY) do not apply to the engine.
    engine.api.trust_env = False
    # The SDK passes the proxies in the reader's Docker configuration to each container.
    configured: dict[str, str | None] = engine.api._proxy_configs  # type: ignore[attr-defined]
    for name, address in configured.items():
        if name != "no_proxy" and address and is_loopback(address):
            configured[name] = None
    login.use(engine)
    return engine


def _check_configuration() -> None:
    """Refuse a Docker configuration that the SDK cannot read."""
    try:
        configuration = load_general_config()
        configuration.get("proxies", {}).get("default", {})
        AuthConfig.load_config(None, configuration)
    except (InvalidConfigFile, ValueError, TypeError, AttributeError) as error:
        raise WorkbookError(
            f"The Docker configuration cannot be read: {login.configuration()}",
            str(error),
            "Correct the file, or move it away: `docker login` writes a new one.",
        ) from error


def is_podman(engine: docker.DockerClient) -> bool:
    """Whether this is Podman, which understands most of what a Docker engine does."""
    parts = engine.api.version(api_version=False).get("Components") or []
    return any(part.get("Name") == "Podman Engine" for part in parts)


def _usable(engine: docker.DockerClient, nodes: bool) -> docker.DockerClient:
    """Return the engine if it is Docker's and can run privileged containers, such as a cluster's nodes; or if there are none."""
    if not nodes:
        return engine
    if is_podman(engine):
        raise WorkbookError(
            "This engine is Podman, but the workbook needs Docker.",
            "kind and minikube support Podman only as an experiment, and through Podman's own program.",
            f"{INSTALL[platform.system()]} Then unset DOCKER_HOST, or run `docker context use default`.",
        )
    local = daemon.SOCKET.endswith(engine.api.base_url.rpartition("://")[2]) or "localhost" in engine.api.base_url
    if local and machine.detect().locked_down and engine.info()["DefaultRuntime"] == "runc":
        raise WorkbookError(
            "This Docker engine cannot run a cluster's node, and the workbook only configures engines that it starts itself.",
            "On this machine, root lacks CAP_SYS_RESOURCE, which a privileged container needs.",
            "Stop this engine (`sudo service docker stop`), then run this again: the workbook starts a suitable one.",
        )
    return engine


def explain(problem: Exception, system: str) -> WorkbookError:
    """Return the error for an engine that cannot be reached, based on the client's report.

    Args:
        problem: the client's report.
        system: the result of `platform.system()`.
    """
    text = str(problem)
    if any(refusal in text for refusal in ("Permission denied", "PermissionError", "Access is denied")):
        return WorkbookError(
            "Docker runs, but this user may not use it.",
            text,
            JOIN[system],
        )
    if elsewhere := _elsewhere():
        return WorkbookError(
            f"No Docker engine answers at the address in {elsewhere}.",
            text,
            "Start that engine, or choose another: unset DOCKER_HOST, or run `docker context use default`.",
        )
    if (runtime := os.environ.get("XDG_RUNTIME_DIR")) and (socket := Path(runtime, "docker.sock")).exists():
        return WorkbookError(
            "A rootless Docker is installed, but nothing points to its engine.",
            f"{text}\nIts socket is {socket}.",
            "Run `docker context use rootless`. If the engine is not running, run `systemctl --user start docker`.",
        )
    if daemon.which("dockerd") if system == "Linux" else daemon.which("docker"):
        return WorkbookError("Docker is installed, but its engine does not answer.", text, START[system])
    podman = "\nPodman is installed, but cannot replace Docker." if daemon.which("podman") else ""
    return WorkbookError("There is no Docker engine on this machine.", text + podman, INSTALL[system])


def _elsewhere() -> str:
    """The setting that selects an engine other than this system's default, in words; empty if there is none."""
    try:
        name, context = _chosen()
    except DockerException:
        return "the current Docker context"
    return "" if context is not None and context.name == "default" else name


def _startable(problem: Exception) -> bool:
    """Whether the workbook can start an engine: for root on Debian or Ubuntu, if no other engine is selected."""
    return apt.installable() and not _elsewhere() and "Permission denied" not in str(problem)
