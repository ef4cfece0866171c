"""Leftovers: what the tests have made and not removed fails the run, and is listed at its end.

Meanwhile other programs may create files, open ports and start containers on the same machine; these do not count. For
this, each run of the tests has its own home and its own folder for temporary files, the tests' processes inherit a
variable, and containers, networks and images are recognized by the workbook's labels and names.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from docker import DockerClient
from docker.models.containers import Container
from docker.models.images import Image
from rich.table import Table

from tests import summary
from tests.cells import needs_cluster
from tests.lane import LANE, is_lane
from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.paths import home
from workbook.cluster.current import api, current
from workbook.cluster.protocol import State
from workbook.engine.catalog import SOURCE, catalog
from workbook.engine.find import running_engine

Things = dict[str, set[str]]
"""Names of things on the machine, by type."""
BEFORE = pytest.StashKey[Things]()
LEFT = pytest.StashKey[dict[str, list[str]]]()
SCRATCH = pytest.StashKey[Path]()
MARK = "WORKBOOK_TESTS"
"""The variable that the processes of a run inherit: the folder with the run's home and temporary files."""
ENGINE = ("dockerd", "containerd", "docker-proxy")
"""How the names of the engine's processes begin. The engine is set up with the tests' cluster, and keeps running."""
CLUSTER_LABELS = ("io.x-k8s.kind.cluster", "name.minikube.sigs.k8s.io")
"""The labels by which kind and minikube recognize the containers of a cluster."""
CLUSTERS = "workbook-"
"""How the names of the tests' clusters begin."""


def machine() -> Things:
    """What belongs to the tests on this machine and in their cluster; in a lane, without what is in the engine.

    There, other lanes make and remove things meanwhile. The process that has started the lanes compares them at the end.
    """
    engine = None if LANE in os.environ else running_engine()
    return {
        "containers": _containers(engine) if engine else set(),
        "networks": _networks(engine) if engine else set(),
        "images": _images(engine) if engine else set(),
        "Namespaces": _namespaces(),
        "processes": {_describe(process) for process in _processes()},
        "listening ports": _ports(),
        "files": _files(),
    }


def left(before: Things, after: Things) -> dict[str, list[str]]:
    """What is new, by type."""
    return {kind: sorted(after[kind] - before[kind]) for kind in after}


def _containers(engine: DockerClient) -> set[str]:
    containers = engine.containers.list(all=True, ignore_removed=True)
    return {container.name or "" for container in containers if _is_ours(container)}


def _is_ours(container: Container) -> bool:
    if labels.is_managed(container.labels):
        return True
    return any(container.labels.get(label, "").startswith(CLUSTERS) for label in CLUSTER_LABELS)


def _networks(engine: DockerClient) -> set[str]:
    """The networks of clusters: minikube's have the cluster's name, kind has one for all."""
    return {name for network in engine.networks.list() if (name := network.name or "").startswith(("kind", CLUSTERS))}


def _images(engine: DockerClient) -> set[str]:
    """The images with the workbook's label, except those that stay for the next run: the catalog's, and stages of their builds."""
    images = _labeled(engine)
    results = [image for image in images if image.tags or SOURCE in image.labels]  # a stage has no label for its source
    return {name for image in results for name in image.tags or [image.short_id]} - catalog().keys()


def _identities() -> set[str]:
    """All images with the workbook's label. One of them that loses its name to a new build is not left by the tests."""
    engine = running_engine()
    return {image.short_id for image in _labeled(engine)} if engine else set()


def _labeled(engine: DockerClient) -> list[Image]:
    return engine.images.list(filters={"label": labels.SELECTOR})


def _namespaces() -> set[str]:
    if current().status() is not State.RUNNING:
        return set()
    try:
        return {item["metadata"]["name"] for item in api().objects("namespaces")}
    except WorkbookError:
        return set()


def _processes() -> list[psutil.Process]:
    """The processes that the tests have started, except the engine and what runs in containers."""
    found = []
    for process in psutil.process_iter(["environ", "name"]):
        mark, name = (process.info["environ"] or {}).get(MARK, ""), process.info["name"] or ""
        # A pytest that a test has started has its own folder, inside of this one.
        if mark.startswith(os.environ[MARK]) and not name.startswith(ENGINE) and _runs_on_this_machine(process):
            found.append(process)
    return found


def _runs_on_this_machine(process: psutil.Process) -> bool:
    """Whether a process runs, and not in a container, which has a PID namespace of its own."""
    try:
        if sys.platform == "linux":
            namespace = Path(f"/proc/{process.pid}/ns/pid").readlink()
            if namespace != Path("/proc/self/ns/pid").readlink():
                return False
        return process.status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False  # it has ended meanwhile


def _describe(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {' '.join(process.cmdline())[:120]}"
    except psutil.Error:
        return f"{process.pid}, which has ended"


def _ports() -> set[str]:
    """The ports at which the processes of the tests listen, except those of this process."""
    found = set()
    for process in _processes():
        if process.pid == os.getpid():
            continue
        try:
            connections = process.net_connections("tcp")
        except psutil.Error:  # it has ended meanwhile
            continue
        for connection in connections:
            if connection.status == psutil.CONN_LISTEN:
                found.add(f"{connection.laddr.ip}:{connection.laddr.port} of {_describe(process)}")
    return found


def _files() -> set[str]:
    """The temporary files, and what is in those folders of the home in which programs leave files."""
    scratch = Path(os.environ[MARK])
    user = scratch / "home"
    folders = [user, user / ".cache", user / ".config", user / ".local/share", user / ".kube", scratch / "tmp"]
    entries = {entry for folder in folders if folder.is_dir() for entry in folder.iterdir()}
    return {
        entry.relative_to(scratch).as_posix()
        for entry in entries
        if not entry.name.startswith(("pytest-of-", "minikube_", "minikube-locks"))  # minikube's own logs and locks
    }


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Give this run a home and a folder for temporary files, which its processes inherit."""
    scratch = session.config.stash[SCRATCH] = Path(tempfile.mkdtemp(prefix="wb-"))
    real = Path.home()
    for name in ("home", "tmp"):
        (scratch / name).mkdir()
    # What programs keep in the real home, and have to find there:
    kept = {
        "WORKBOOK_HOME": home(),
        "DOCKER_CONFIG": real / ".docker",
        "KUBECONFIG": real / ".kube" / "config",
        "MINIKUBE_HOME": real,
        "RUSTUP_HOME": real / ".rustup",  # pip asks for the version of a Rust compiler
        "PIP_CACHE_DIR": real / ".cache" / "pip",
    }
    for name, path in kept.items():
        os.environ.setdefault(name, str(path))
    os.environ |= {MARK: str(scratch), "HOME": str(scratch / "home"), "TMPDIR": str(scratch / "tmp")}
    os.environ["HISTFILE"] = os.devnull  # a shell that a test types into
    tempfile.tempdir = None  # Python reads TMPDIR again


@pytest.hookimpl(trylast=True)  # after the set-up
def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly or is_lane(session.config):
        return
    if any(map(needs_cluster, session.items)):
        remember(session.config)


def remember(config: pytest.Config) -> None:
    """Note what exists before the tests."""
    config.stash[BEFORE] = machine()
    config.stash[BEFORE]["images"] |= _identities()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if before := session.config.stash.get(BEFORE, None):
        found = session.config.stash[LEFT] = left(before, machine())
        if any(found.values()) and session.exitstatus == 0:
            session.exitstatus = 1


def pytest_unconfigure(config: pytest.Config) -> None:
    if scratch := config.stash.get(SCRATCH, None):
        shutil.rmtree(scratch, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if found := config.stash.get(LEFT, None):
        table = Table("left by the tests", "how many", "which")
        for kind, names in found.items():
            table.add_row(kind, str(len(names)), "\n".join(names))
        summary.show(terminalreporter, table)
