"""The tests leave nothing behind: what they made themselves, before and after them, compared.

Other programs on the machine may make files, open ports and start containers meanwhile; they are not looked at. So the
tests have a home and a folder for temporary files of their own, their processes inherit a mark, and containers,
networks and images count only with the workbook's labels or names.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from rich.table import Table

from tests import summary
from tests.cells import needs_cluster
from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.paths import home
from workbook.cluster.current import api, current
from workbook.engine.build import catalog
from workbook.engine.find import running_engine

BEFORE = pytest.StashKey[dict]()
LEFT = pytest.StashKey[dict]()
SCRATCH = pytest.StashKey[Path]()
MARK = "WORKBOOK_TESTS"
"""The variable that all processes of one run of the tests inherit; it names the folder with their home."""
ENGINE = ("dockerd", "containerd", "docker-proxy")
"""The Docker engine: it is set up together with the tests' cluster, and stays, whoever has started it last."""
KIND = "io.x-k8s.kind.cluster"
"""The label by which kind knows the nodes of its clusters."""
CLUSTERS = "workbook-"
"""How the names of the tests' clusters begin."""


def machine() -> dict[str, set[str]]:
    """What the tests have on this machine and in their cluster now, by type."""
    engine = running_engine()
    return {
        "containers": _containers(engine) if engine else set(),
        "networks": _networks(engine) if engine else set(),
        "images": _images(engine) if engine else set(),
        "Namespaces": _namespaces(),
        "processes": {_described(process) for process in _processes()},
        "listening ports": _ports(),
        "files": _files(),
    }


def left(before: dict[str, set[str]], after: dict[str, set[str]]) -> dict[str, list[str]]:
    """What is there now and was not before, by type."""
    return {kind: sorted(after[kind] - before[kind]) for kind in after}


def _containers(engine) -> set[str]:
    found = engine.containers.list(all=True, ignore_removed=True)
    return {
        container.name
        for container in found
        if labels.MANAGED.items() <= container.labels.items() or container.labels.get(KIND, "").startswith(CLUSTERS)
    }


def _networks(engine) -> set[str]:
    return {network.name for network in engine.networks.list() if network.name.startswith(("kind", CLUSTERS))}


def _images(engine) -> set[str]:
    """Names and, where they have none, IDs of the images with the workbook's label; its own names stay for the next run."""
    found = engine.images.list(all=False, filters={"label": labels.SELECTOR})
    return {name for image in found for name in image.tags or [image.short_id]} - catalog().keys()


def _namespaces() -> set[str]:
    if current().status() != "Running":
        return set()
    try:
        return {item["metadata"]["name"] for item in api().objects("namespaces")}
    except WorkbookError:
        return set()


def _processes() -> list[psutil.Process]:
    """The processes that the tests have started, but for those in containers and the engine."""
    found = []
    for process in psutil.process_iter(["environ", "name"]):
        environment, name = process.info["environ"] or {}, process.info["name"] or ""
        if environment.get(MARK) == os.environ[MARK] and not name.startswith(ENGINE) and _is_on_this_machine(process):
            found.append(process)
    return found


def _is_on_this_machine(process: psutil.Process) -> bool:
    """Whether a process runs, and not inside of a container, which has process numbers of its own."""
    try:
        if (
            sys.platform == "linux"
            and Path(f"/proc/{process.pid}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink()
        ):
            return False
        return process.status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False  # it has ended meanwhile


def _described(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {' '.join(process.cmdline())[:120]}"
    except psutil.Error:
        return f"{process.pid}, which has ended"


def _ports() -> set[str]:
    """The ports on which the tests' processes listen."""
    found = set()
    for process in _processes():
        if process.pid != os.getpid():
            try:
                connections = process.net_connections("tcp")
            except psutil.Error:
                continue
            found |= {
                f"{one.laddr.ip}:{one.laddr.port} of {_described(process)}"
                for one in connections
                if one.status == psutil.CONN_LISTEN
            }
    return found


def _files() -> set[str]:
    """What is in the places of the tests' home in which programs leave files, and among their temporary files."""
    scratch = Path(os.environ[MARK])
    home = scratch / "home"
    places = [home, home / ".cache", home / ".config", home / ".local/share", home / ".kube", scratch / "tmp"]
    entries = {entry for place in places if place.is_dir() for entry in place.iterdir()}
    return {
        entry.relative_to(scratch).as_posix()
        for entry in entries
        if not entry.name.startswith(("pytest-of-", "minikube_", "minikube-locks"))  # minikube's own logs and locks
    }


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Gives this run of the tests a home and a folder for temporary files, which its processes inherit."""
    scratch = session.config.stash[SCRATCH] = Path(tempfile.mkdtemp(prefix="wb-"))
    real = Path.home()
    for name in ("home", "tmp"):
        (scratch / name).mkdir()
    # What programs keep in the real home, and are to find there as before:
    kept = {
        "WORKBOOK_HOME": home(),
        "DOCKER_CONFIG": real / ".docker",
        "KUBECONFIG": real / ".kube" / "config",
        "MINIKUBE_HOME": real,
        "PIP_CACHE_DIR": real / ".cache" / "pip",
    }
    for name, value in kept.items():
        os.environ.setdefault(name, str(value))
    os.environ |= {MARK: str(scratch), "HOME": str(scratch / "home"), "TMPDIR": str(scratch / "tmp")}
    tempfile.tempdir = None  # asks the environment again


@pytest.hookimpl(trylast=True)  # when the set-up is done
def pytest_collection_finish(session: pytest.Session) -> None:
    if not session.config.option.collectonly and any(map(needs_cluster, session.items)):
        session.config.stash[BEFORE] = machine()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if before := session.config.stash.get(BEFORE, None):
        found = session.config.stash[LEFT] = left(before, machine())
        if any(found.values()) and session.exitstatus == 0:
            session.exitstatus = 1


def pytest_unconfigure(config: pytest.Config) -> None:
    if scratch := config.stash.get(SCRATCH, None):
        shutil.rmtree(scratch, ignore_errors=True)


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if found := config.stash.get(LEFT, None):
        table = Table("left by the tests", "how many", "which")
        for kind, names in found.items():
            table.add_row(kind, str(len(names)), "\n".join(names))
        summary.show(terminalreporter, table)
