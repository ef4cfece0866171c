"""Processes that a killed program leaves in its session are found."""

import os
import subprocess
import sys

import pytest

from tests import sessions

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no sessions of this kind")


def test_orphans_are_found_until_they_end():
    child = [sys.executable, "-c", "input()"]
    leader = f"import subprocess; subprocess.Popen({child}); print('started', flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", leader], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout.readline() == b"started\n"
    process.kill()
    process.wait()
    assert sessions.orphans(process.pid, timeout=0.1) == [" ".join(child)]
    process.communicate()  # closes the pipe that the orphan reads from, so that it ends
    assert sessions.orphans(process.pid) == []
