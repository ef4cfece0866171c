"""The lock between processes."""

import errno
import os
import subprocess
import sys
import threading
import time

import pytest

from workbook.base.errors import WorkbookError
from workbook.base.lock import holder as described
from workbook.base.lock import lock

HOLD = """
import pathlib, sys, time
from workbook.base.lock import lock
with lock(pathlib.Path(sys.argv[1]), "set-up"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "lock"], stdout=subprocess.PIPE, encoding="utf-8", errors="replace"
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_the_error_names_the_holder_and_its_action(holder, tmp_path):
    with (
        pytest.raises(WorkbookError, match=rf"process {holder.pid} has been running `set-up`"),
        lock(tmp_path / "lock", "x"),
    ):
        pass


def test_a_killed_holder_leaves_no_lock(holder, tmp_path):
    holder.kill()
    holder.wait()
    with lock(tmp_path / "lock", "x"):
        pass


def test_patience(holder, tmp_path):
    begun = time.monotonic()
    with pytest.raises(WorkbookError), lock(tmp_path / "lock", "x", patience=0.5):
        pass
    assert time.monotonic() - begun >= 0.5


def test_patience_is_rewarded(holder, tmp_path):
    threading.Timer(0.5, holder.kill).start()
    with lock(tmp_path / "lock", "x", patience=10):
        pass


def test_the_holder_is_described(holder, tmp_path):
    assert described(tmp_path / "lock").startswith(f"process {holder.pid} has been running `set-up` since ")
    holder.kill()
    holder.wait()
    assert described(tmp_path / "lock") == ""


def test_a_description_creates_no_file(tmp_path):
    assert described(tmp_path / "lock") == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has other locks")
@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_folder_without_locks_is_not_called_busy(tmp_path, monkeypatch, code):
    def flock(descriptor, operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(WorkbookError, match=r"cannot lock files(.|\n)*WORKBOOK_HOME"), lock(tmp_path / "lock", "x", 5):
        pass
