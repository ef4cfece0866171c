"""`make run` leaves nothing behind, as the tests leave nothing (which is checked after each of their runs)."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests import leftovers, sessions
from tests.lane import LANE
from workbook.base import labels

pytestmark = pytest.mark.cluster


def test_make_run():
    before = leftovers.machine()
    done = sessions.python("-m", "workbook", "run", "03")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any(leftovers.left(before, leftovers.machine()).values())


def test_what_is_left_is_seen(tmp_path):
    before = leftovers.machine()
    sleeper = subprocess.Popen(
        [sys.executable, "-c", "import socket, time; s = socket.create_server(('127.0.0.1', 0)); time.sleep(60)"]
    )
    try:
        while not (found := leftovers.left(before, leftovers.machine()))["listening ports"]:
            assert sleeper.poll() is None
        assert found["processes"]
    finally:
        sleeper.kill()
        sleeper.wait()
    assert not any(leftovers.left(before, leftovers.machine()).values())


def test_what_another_program_makes_is_not_the_tests(elsewhere_on_this_machine, monkeypatch):
    has_neighbors = LANE in os.environ  # other lanes may start clusters meanwhile
    monkeypatch.delenv(LANE, raising=False)
    before = leftovers.machine()
    elsewhere_on_this_machine()
    found = leftovers.left(before, leftovers.machine())
    if has_neighbors:
        found |= {kind: {"foreign"} & {*found[kind]} for kind in ("containers", "networks", "images")}
    assert not any(found.values())


def test_files_of_the_tests_are_seen():
    before = leftovers.machine()
    made = [Path(tempfile.gettempdir(), "left"), Path.home() / ".left"]
    for path in made:
        path.touch()
    assert leftovers.left(before, leftovers.machine())["files"] == ["home/.left", "tmp/left"]
    for path in made:
        path.unlink()


@pytest.fixture
def elsewhere_on_this_machine():
    """Create a file, a port, a container and a network, as a program that runs next to the tests would."""
    engine = leftovers.running_engine()
    foreign = {name: value for name, value in os.environ.items() if name != leftovers.MARK}
    foreign["TMPDIR"] = str(Path(os.environ[leftovers.MARK]).parent)
    code = "import socket, sys, tempfile; f = tempfile.NamedTemporaryFile(); s = socket.create_server(('127.0.0.1', 0)); print('made', flush=True); sys.stdin.read()"
    running = []

    def make():
        program = subprocess.Popen(
            [sys.executable, "-c", code], env=foreign, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        running.append(program)
        assert program.stdout.readline() == b"made\n"
        images = (image for image in engine.images.list() if not labels.is_managed(image.labels))
        running.append(engine.containers.create(next(images).id, "a-program", name="foreign"))
        running.append(engine.networks.create("foreign"))

    yield make
    program, *made = running
    program.communicate()  # at the end of its input it ends, and removes its file
    for one in made:
        one.remove()
