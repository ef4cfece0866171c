"""`node.machine` recognizes a locked-down machine; and the changes of the runc wrapper on such a machine."""

import json
import platform
import subprocess
from pathlib import Path

import pytest

from node.cache import HERE
from node.machine import Machine, detect

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="containers run on this kernel on Linux only")

ORDINARY = Machine(linux=True, sys_resource=True, cgroups=2, systemd=True)
LOCKED_DOWN = Machine(linux=True, sys_resource=False, cgroups=1, systemd=False)
ALL_CAPABILITIES = 2**41 - 1


@pytest.fixture
def root(tmp_path):
    def make(capabilities: int, cgroups: int, systemd: bool) -> Path:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/status").write_text(f"Name:\tx\nCapBnd:\t{capabilities:016x}\n", encoding="utf-8")
        (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
        if cgroups == 2:
            (tmp_path / "sys/fs/cgroup/cgroup.controllers").touch()
        if systemd:
            (tmp_path / "run/systemd/system").mkdir(parents=True)
        return tmp_path

    return make


def test_detects_an_ordinary_machine(root, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    machine = detect(root(ALL_CAPABILITIES, 2, True))
    assert machine == ORDINARY and not machine.locked_down


def test_detects_a_locked_down_machine(root, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    machine = detect(root(ALL_CAPABILITIES - 2**24, 1, False))
    assert machine == LOCKED_DOWN and machine.locked_down


def test_the_capabilities_of_an_ordinary_user_do_not_count(root, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert not detect(root(0, 2, True)).locked_down


def test_a_virtual_machine_is_never_locked_down(root, monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    machine = detect(root(0, 1, False))
    assert not machine.linux and not machine.locked_down and machine.cgroups == 2


def test_the_runc_wrapper_removes_what_the_kernel_refuses(tmp_path):
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(
        (HERE / "runc-wrapper").read_text(encoding="utf-8").replace("exec /usr/sbin/runc", "exec echo"),
        encoding="utf-8",
    )
    process = {
        "args": ["sh"],
        "capabilities": {"bounding": ["CAP_KILL", "CAP_SYS_RESOURCE"]},
        "oomScoreAdj": -500,
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 10**6, "soft": 10**6}],
    }
    (tmp_path / "config.json").write_text(json.dumps({"process": process, "root": {}}), encoding="utf-8")
    done = subprocess.run(
        ["sh", wrapper, "create", "--bundle", tmp_path, "id"], capture_output=True, encoding="utf-8", errors="replace"
    )
    if "jq" in done.stderr:
        pytest.skip("jq is not installed")
    assert done.stdout == f"create --bundle {tmp_path} id\n"
    lowered = {"args": ["sh"], "capabilities": {"bounding": ["CAP_KILL"]}}
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8")) == {"process": lowered, "root": {}}
