"""Nothing may be left by the tests: the machine and the cluster before and after them, compared."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from rich.table import Table

from tests import summary
from tests.cells import needs_cluster
from workbook.paths import HOME, ROOT

BEFORE = pytest.StashKey[dict]()
LEFT = pytest.StashKey[dict]()
ENGINE = {"dockerd", "containerd", "containerd-shim", "docker-proxy"}
"""The Docker engine: it is set up with the tests' cluster, and goes on with it, whoever has started it last."""


def machine() -> dict[str, set[str]]:
    """What is on this machine and in the tests' cluster now, by kind."""
    return {
        "containers": _containers(),
        "networks": _engine(lambda engine: {network.name for network in engine.networks.list()}),
        "images": _engine(_images),
        "Namespaces": _namespaces(),
        "processes": set(_processes().values()),
        "listening ports": _ports(),
        "files": _files(),
    }


def left(before: dict[str, set[str]], after: dict[str, set[str]]) -> dict[str, list[str]]:
    """What is there now and was not before, by kind."""
    return {kind: sorted(after[kind] - before[kind]) for kind in after}


def _engine(ask):
    from workbook.engine import running_engine

    engine = running_engine()
    return ask(engine) if engine else set()


def _containers() -> set[str]:
    return _engine(
        lambda engine: {container.name for container in engine.containers.list(all=True, ignore_removed=True)}
    )


def _images(engine) -> set[str]:
    """All but the workbook's own, which are kept for the next time; of those without a name, the ones without its label."""
    from workbook import cluster
    from workbook.building import catalog

    named = {tag for image in engine.images.list() for tag in image.tags} - catalog().keys()
    nameless = engine.images.list(filters={"dangling": True})
    return named | {image.short_id for image in nameless if not cluster.OURS.items() <= image.labels.items()}


def _namespaces() -> set[str]:
    from workbook.client import list_objects
    from workbook.cluster import current
    from workbook.errors import WorkbookError

    if current().status() != "Running":
        return set()
    try:
        return {item["metadata"]["name"] for item in list_objects("namespaces")["items"]}
    except WorkbookError:
        return set()


def _processes() -> dict[int, str]:
    """The processes that the tests have started, by the variable that these hand on: number → command line."""
    found, mark = {}, f"WORKBOOK_PROFILE={os.environ['WORKBOOK_PROFILE']}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            own = (folder / "ns/pid").readlink() == Path("/proc/self/ns/pid").readlink()
            name = (folder / "comm").read_text().strip()
        except OSError:
            continue  # it has ended, or is another user's
        if mark in environment.split(b"\0") and own and words and not any(map(name.startswith, ENGINE)):
            found[int(folder.name)] = f"{folder.name} {words[:120]}"
    return found


def _ports() -> set[str]:
    """The ports on which the tests' processes listen."""
    try:
        listing = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True).stdout
    except FileNotFoundError:
        return set()
    ours = _processes()
    return {
        f"{line.split()[3]} of {ours[int(pid)]}"
        for line in listing.splitlines()
        for pid in re.findall(r"pid=(\d+)", line)
        if int(pid) in ours and int(pid) != os.getpid()
    }


def _files() -> set[str]:
    """The entries of the places where programs leave files, outside of the repository and the workbook's own folder."""
    home = Path.home()
    places = [
        home,
        home / ".cache",
        home / ".config",
        home / ".local/share",
        home / ".kube",
        Path(tempfile.gettempdir()),
    ]
    entries = {entry for place in places if place.is_dir() for entry in place.iterdir()}
    return {
        str(entry)
        for entry in entries
        if not entry.name.startswith(("pytest-of-", "minikube_", "minikube-locks"))  # minikube's own logs and locks
        and not HOME.is_relative_to(entry)
        and not ROOT.is_relative_to(entry)
    }


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


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if found := config.stash.get(LEFT, None):
        table = Table("left by the tests", "how many", "which")
        for kind, names in found.items():
            table.add_row(kind, str(len(names)), "\n".join(names))
        summary.show(terminalreporter, table)
