"""Engines that are not the usual one: rootless Docker, Podman's socket, Docker from a snap."""

import tempfile

import pytest

from workbook.base.errors import WorkbookError
from workbook.engine import daemon, find
from workbook.machine import checks
from workbook.machine.findings import Facts

LIMITS = {"MemoryLimit": True, "PidsLimit": True, "CPUShares": True}
ROOTLESS = {"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"]}
SNAP = {"DockerRootDir": "/var/snap/docker/common/var-lib-docker"}


@pytest.fixture
def finding(docker_engine, monkeypatch):
    """The check's finding for an engine that reports this information."""
    monkeypatch.setenv("WORKBOOK_CLUSTER", "kind")

    def finding(**info):
        docker_engine.answers["GET /info"] = {"ServerVersion": "28.5", "DefaultRuntime": "runc"} | info
        facts = Facts(engine=find.reach_engine(4))
        found = list(checks.findings(["Docker engine", "Docker's rights"], facts))
        assert found[0].ok
        return found[1] if found[1:] else None

    return finding


# ---- Podman ----


@pytest.mark.parametrize("ask", [find.ensure_engine, lambda: find.reach_engine(4)], ids=["set-up", "the doctor"])
def test_podman_is_refused_in_words(docker_engine, ask):
    docker_engine.answers["GET /version"] = {
        "ApiVersion": "1.41",
        "Components": [{"Name": "Podman Engine", "Version": "5.4.2"}, {"Name": "Conmon"}],
    }
    with pytest.raises(WorkbookError, match=r"Podman") as failed:
        ask()
    assert "kind and minikube" in failed.value.why and "docs.docker.com/engine/install" in failed.value.fix
    (found,) = checks.findings(["Docker engine"], Facts())
    assert found.ok is False and "Podman" in found.found


def test_clean_up_does_not_stumble_over_podman(docker_engine):
    docker_engine.answers["GET /version"] = {"ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}]}
    assert find.running_engine() is not None


@pytest.mark.parametrize(
    "components", [[{"Name": "Engine"}, {"Name": "containerd"}], None], ids=["Docker", "none listed"]
)
def test_docker_is_not_podman(docker_engine, components):
    docker_engine.answers["GET /version"] = {"ApiVersion": "1.41", "Components": components}
    assert find.ensure_engine()


def test_a_machine_that_has_only_podman(monkeypatch, home):
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(home))
    monkeypatch.setattr(daemon, "which", lambda name: name if name == "podman" else None)
    error = find.explain(FileNotFoundError("no such file: docker.sock"), "Linux")
    assert "no Docker engine" in error.what and "Podman" in error.why


# ---- rootless ----


def test_rootless_docker_can_run_a_cluster_where_its_limits_are_delegated(finding):
    found = finding(CgroupVersion="2", **LIMITS, **ROOTLESS)
    assert found.ok and found.found == "rootless"


@pytest.mark.parametrize(
    ("info", "found", "fix"),
    [
        ({"CgroupVersion": "1", **LIMITS}, "cgroup v1", "systemd.unified_cgroup_hierarchy=1"),
        ({"CgroupVersion": "2", **LIMITS, "PidsLimit": False}, "without limits for processes", "Delegate"),
        (
            {"CgroupVersion": "2", **LIMITS, "MemoryLimit": False, "CPUShares": False},
            "without limits for memory and CPU",
            "Delegate",
        ),
    ],
)
def test_rootless_docker_that_cannot_run_a_cluster(finding, info, found, fix):
    result = finding(**info, **ROOTLESS)
    assert result.ok is False and "rootless" in result.found and found in result.found
    assert fix in result.fix and "kind.sigs.k8s.io/docs/user/rootless" in result.fix


@pytest.mark.parametrize("variant", [ROOTLESS | {"CgroupVersion": "1"}, SNAP])
def test_a_cluster_that_exists_needs_nothing_of_the_engine_but_builds(finding, monkeypatch, variant):
    monkeypatch.setenv("WORKBOOK_CLUSTER", "existing")
    assert finding(**variant) is None


def test_a_rootless_engine_that_no_context_names(monkeypatch, home):
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(home))
    monkeypatch.setattr(daemon, "which", lambda name: name)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    (home / "docker.sock").touch()
    error = find.explain(ConnectionRefusedError("refused"), "Linux")
    assert "rootless" in error.what and "docker context use rootless" in error.fix


# ---- snap ----


@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp/class", "{home}/.tmp", "{home}/.cache/tmp/x"])
def test_docker_from_a_snap_cannot_read_other_folders(finding, monkeypatch, home, folder):
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(tempfile, "tempdir", folder.format(home=home))
    result = finding(**SNAP)
    assert result.ok is False and "snap" in result.found
    assert "TMPDIR" in result.fix and "docs.docker.com/engine/install" in result.fix


@pytest.mark.parametrize("folder", ["{home}", "{home}/tmp"])
def test_docker_from_a_snap_works_with_temporary_files_in_the_home(finding, monkeypatch, home, folder):
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(tempfile, "tempdir", folder.format(home=home))
    result = finding(**SNAP)
    assert result.ok and result.found == "from a snap"


def test_minikube_keeps_its_own_temporary_files_where_the_snap_reads_them(finding, monkeypatch, home):
    monkeypatch.setenv("WORKBOOK_CLUSTER", "minikube")
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    assert finding(**SNAP).ok


def test_the_usual_engine_is_not_mentioned(finding):
    assert finding(CgroupVersion="1", SecurityOptions=["name=seccomp"], DockerRootDir="/var/lib/docker") is None


def test_set_up_refuses_an_engine_without_the_rights(docker_engine, monkeypatch):
    monkeypatch.setenv("WORKBOOK_CLUSTER", "kind")
    size = {"NCPU": 4, "MemTotal": 8 * 2**30, "DockerRootDir": "/"}
    docker_engine.answers["GET /info"] = {"ServerVersion": "28", "CgroupVersion": "1", **size, **ROOTLESS}
    with pytest.raises(WorkbookError, match=r"Docker's rights(.|\n)*cgroup v1"):
        checks.require(find.ensure_engine())
