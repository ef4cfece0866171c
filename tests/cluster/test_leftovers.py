"""`make run` leaves nothing behind, as the tests leave nothing (which is checked after each of their runs)."""

import subprocess
import sys

import pytest

from tests import leftovers, sessions

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
