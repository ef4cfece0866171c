"""What a locked-down machine is recognised by, and what it changes."""

import json
import platform
import subprocess

import pytest

import node
from node.machine import Machine, detect

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="containers run on this kernel on Linux only")

ORDINARY = Machine(linux=True, sys_resource=True, cgroups=2, systemd=True)
LOCKED = Machine(linux=True, sys_resource=False, cgroups=1, systemd=False)


@pytest.fixture
def root(tmp_path):
    def make(capabilities: int, cgroups: int, systemd: bool):
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/status").write_text(f"Name:\tx\nCapBnd:\t{capabilities:016x}\n")
        (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
        if cgroups == 2:
            (tmp_path / "sys/fs/cgroup/cgroup.controllers").touch()
        if systemd:
            (tmp_path / "run/systemd/system").mkdir(parents=True)
        return tmp_path

    return make


def test_an_ordinary_machine(root, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    machine = detect(root(2**41 - 1, 2, True))
    assert machine == ORDINARY and not machine.locked_down


def test_a_locked_down_machine(root, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    machine = detect(root(2**41 - 1 - 2**24, 1, False))
    assert machine == LOCKED and machine.locked_down


def test_nothing_is_changed_on_an_ordinary_machine():
    config = node.kind_config(ORDINARY, image_is_ours=False)
    assert config.keys() == {"kind", "apiVersion", "nodes"}
    (control_plane,) = config["nodes"]
    assert [mapping["listenAddress"] for mapping in control_plane["extraPortMappings"]] == ["127.0.0.1"]


def test_what_is_changed_on_a_locked_down_one():
    config = node.kind_config(LOCKED, image_is_ours=True)
    assert config["networking"] == {"disableDefaultCNI": True}
    assert "failCgroupV1: false" in config["kubeadmConfigPatches"][0]
    assert "SystemdCgroup = false" in config["containerdConfigPatches"][0]


def test_the_runc_wrapper_takes_out_what_the_kernel_refuses(tmp_path):
    wrapper = tmp_path / "wrapper"
    wrapper.write_text((node.cache.HERE / "runc-wrapper").read_text().replace("exec /usr/sbin/runc", "exec echo"))
    process = {
        "args": ["sh"],
        "capabilities": {"bounding": ["CAP_KILL", "CAP_SYS_RESOURCE"]},
        "oomScoreAdj": -500,
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 10**6, "soft": 10**6}],
    }
    (tmp_path / "config.json").write_text(json.dumps({"process": process, "root": {}}))
    done = subprocess.run(["sh", wrapper, "create", "--bundle", tmp_path, "id"], capture_output=True, text=True)
    if "jq" in done.stderr:
        pytest.skip("jq is not installed")
    assert done.stdout.split() == ["create", "--bundle", str(tmp_path), "id"]
    lowered = {"args": ["sh"], "capabilities": {"bounding": ["CAP_KILL"]}}
    assert json.loads((tmp_path / "config.json").read_text()) == {"process": lowered, "root": {}}
