"""A class of two in a browser, on the tests' cluster, and a door to it."""

import socket
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from tests.classroom.hub.learner import Learner
from workbook.base.polling import poll
from workbook.base.processes import background
from workbook.classroom import tokens
from workbook.classroom.administrator import Administrator
from workbook.classroom.hub import delete, deploy, door, links
from workbook.cli import class_
from workbook.kube import kubeconfig
from workbook.machine.environment import import_path

HOLD_OPEN = """
from workbook.classroom.administrator import Administrator
from workbook.classroom.hub import door
door.hold_open(Administrator.from_environment(), door.LOOPBACK, {})
"""
LEARNERS = ADA, BOB = "class-ada", "class-bob"


@pytest.fixture(scope="package")
def opened(tmp_path_factory):
    """The class: its administrator, its cluster, its links, and kubectl."""
    folder = tmp_path_factory.mktemp("class")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KUBECONFIG", kubeconfig.USERS, "WORKBOOK_CONTEXT"):
            patch.delenv(name, raising=False)  # what `choose` sets is undone at the end
        patch.setattr(tokens, "HANDED_OUT", folder)
        patch.setattr(links, "FILE", folder / "links.csv")
        patch.setattr("workbook.classroom.learners.ROOT", folder.parent)
        cluster = class_.choose(remove=False)
        administrator = Administrator.from_environment()
        try:
            known = deploy.deploy(cluster, LEARNERS)
            with forwarded(folder / "door.log") as address:
                yield SimpleNamespace(
                    administrator=administrator,
                    cluster=cluster,
                    tokens=known,
                    links=links.links(address, known),
                    kubectl=administrator.read,
                )
        finally:
            delete.delete(administrator)


@contextmanager
def forwarded(log):
    """A port of this machine that leads to the class during the block, as `make class` holds it open."""
    with socket.create_server((door.LOOPBACK, 0)) as free:
        port = free.getsockname()[1]

    def note(line):
        with log.open("a", encoding="utf-8") as out:
            out.write(f"{line}\n")

    command = [sys.executable, "-c", HOLD_OPEN.format(port)]
    with background(command, import_path(), on_line=note, on_exit=note):
        poll(lambda: door.is_open(port), timeout=60)
        yield f"http://{door.LOOPBACK}:{port}"


@pytest.fixture(scope="package")
def ada(opened):
    """A learner at her desk."""
    learner = Learner(ADA, opened.links[ADA])
    learner.log_in()
    return learner


@pytest.fixture(scope="package")
def bob(opened):
    """Another learner at his desk."""
    learner = Learner(BOB, opened.links[BOB])
    learner.log_in()
    return learner
