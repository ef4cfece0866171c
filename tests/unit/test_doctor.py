"""The doctor's reports about good and broken machines, without changing anything."""

import json
import os
import socket
import subprocess
import sys
import time
from collections import namedtuple
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
import yaml

import node
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.cli.doctor import doctor
from workbook.cluster import kind
from workbook.cluster.choose import Settings
from workbook.engine import find as engine
from workbook.kube import kubeconfig
from workbook.machine import environment, host, supplies
from workbook.machine.checks import CHECKS

GB = 10**9
KIND = 'echo "0.33.0"'
KUBECTL = """echo '{"clientVersion": {"gitVersion": "v1.36.3"}}'"""
MINIKUBE = 'case "$*" in *version*) echo v1.39.0;; *) exit 1;; esac'


@pytest.fixture
def machine(home, program, monkeypatch, tmp_path):
    """A function that makes a machine with everything needed, including a running kind cluster; its arguments change that."""
    for name in (*supplies.PROXIES, *map(str.lower, supplies.PROXIES)):
        monkeypatch.delenv(name, raising=False)

    def no_start(**_):
        raise AssertionError("the doctor tries to start an engine")

    def has(*, cpus=4, memory=8 * 2**30, free=50 * GB, ahead=0, problem=None, images=True, online=True, **info):
        clock = time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime(time.time() + ahead))
        usual = {"ServerVersion": "28.5", "NCPU": cpus, "MemTotal": memory, "DockerRootDir": "/", "SystemTime": clock}
        running = SimpleNamespace(info=lambda: usual | {"OperatingSystem": "Debian"} | info)

        def reach(patience, **_):
            if problem:
                raise engine.explain(problem, "Linux")
            return running

        monkeypatch.setattr(engine, "ensure_engine", no_start)
        monkeypatch.setattr(engine, "reach_engine", reach)
        monkeypatch.setattr(host.shutil, "disk_usage", lambda place: namedtuple("usage", "free")(free))
        monkeypatch.setattr("workbook.engine.pull.present", lambda engine, image: images)
        monkeypatch.setattr(supplies, "is_current", lambda engine, image: images)
        monkeypatch.setattr(supplies, "index_answers", lambda: online)
        monkeypatch.setattr(supplies, "registry_problem", lambda engine: "" if online else "no registry answers")
        monkeypatch.setattr("workbook.engine.login.problem", lambda engine, registry: "")
        monkeypatch.setattr(host, "is_taken", lambda port: False)

    program("kind", KIND)
    program("kubectl", KUBECTL)
    program("make", "exit 0")  # else fixes name another command
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("WORKBOOK_HOME", str(home))
    monkeypatch.setattr(environment, "found", lambda: "/venv/bin/python")
    monkeypatch.setattr(node, "installed_kind", lambda: tmp_path / "bin/kind")
    monkeypatch.setattr(kind.Kind, "status", lambda self: "Running")
    monkeypatch.setattr(kind.Kind, "kubectl", lambda self: [str(tmp_path / "bin/kubectl")])
    monkeypatch.setattr("workbook.kube.kubectl.server_minor", lambda cluster: 36)
    contexts = [{"name": "kind-workbook", "context": {"cluster": "c", "user": "u"}}]
    text = yaml.safe_dump({"contexts": contexts})
    kubeconfig.write(Settings.from_environment("workbook").folder / "kubeconfig", text, "kind-workbook", "workbook")
    return has


def looked(capsys):
    """Run the doctor; return its exit status, the checks in its JSON by their names, and the versions."""
    status = doctor("--json")
    report = json.loads(capsys.readouterr().out)
    assert report["ready"] == (status == 0)
    return status, {check["check"]: check for check in report["checks"]}, report["versions"]


GOOD = f"""\
✓ Python            {sys.version.split()[0]}
✓ Python packages   complete, for /venv/bin/python
✓ Docker engine     running, 28.5, Debian
✓ CPUs              4
✓ memory            8.0 GB
✓ disk              50 GB free
✓ clock             they agree
✓ cluster provider  kind: minikube is not installed
· minikube          not installed: the workbook uses kind
✓ kind              0.33.0
✓ cluster           Running
✓ kubectl           1.36, cluster 1.36
✓ other processes   none is running
✓ ports             all free
✓ base images       all 4
✓ applications      all 7
✓ network           packages reachable; images reachable; no proxy set

This machine is ready.
"""


def test_a_good_machine(machine, capsys):
    machine()
    assert doctor() == 0
    assert capsys.readouterr().out == GOOD


def test_the_same_for_programs(machine, capsys):
    machine()
    status, checks, versions = looked(capsys)
    assert status == 0
    assert checks["CPUs"] == {"check": "CPUs", "ok": True, "needed": "at least 2", "found": "4", "fix": ""}
    assert checks["minikube"]["ok"] is None
    assert (
        versions.items() >= {"Docker engine": "28.5", "Kubernetes": "1.36", "kubectl": "1.36", "kind": "0.33.0"}.items()
    )


@pytest.mark.parametrize(
    ("broken", "check", "found", "fix"),
    [
        (
            {"problem": PermissionError(13, "Permission denied")},
            "Docker engine",
            "may not use it",
            "usermod -aG docker",
        ),
        ({"cpus": 1}, "CPUs", "1", "Give Docker more CPUs"),
        ({"memory": 2 * 2**30}, "memory", "2.0 GB", "Give Docker more memory"),
        ({"free": 3 * GB}, "disk", "3 GB free", "docker system df"),
        ({"ahead": 3600}, "clock", "s apart", "Restart Docker Desktop"),
        ({"OSType": "windows"}, "Docker engine", "running, 28.5", "Switch to Linux containers"),
        ({"images": False, "online": False}, "network", "packages not reachable", "set HTTPS_PROXY"),
    ],
)
def test_a_broken_machine(machine, capsys, broken, check, found, fix):
    machine(**broken)
    status, checks, _ = looked(capsys)
    assert status == 1
    assert checks[check]["ok"] is False and found in checks[check]["found"] and fix in checks[check]["fix"]
    alone = {name for name, result in checks.items() if result["ok"] is False}
    assert alone == ({check, "cluster"} if "problem" in broken else {check}), "only that, and what depends on it"
    assert all(result["fix"] for result in checks.values() if result["ok"] is False)


def test_no_docker(machine, capsys, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr("workbook.engine.daemon.which", lambda name: None)
    monkeypatch.setattr(engine, "_elsewhere", lambda: "")
    machine(problem=FileNotFoundError("docker.sock"))
    _, checks, _ = looked(capsys)
    assert checks["Docker engine"]["found"] == "There is no Docker engine on this machine."
    assert "docs.docker.com/engine/install" in checks["Docker engine"]["fix"]
    assert checks["base images"]["ok"] is checks["applications"]["ok"] is None, "unknown"
    assert checks["CPUs"]["found"] == str(os.cpu_count()), "without an engine, the count of the machine itself"


def test_an_engine_is_looked_for_and_never_started(monkeypatch, tmp_path):
    """`reach_engine` on a machine where `ensure_engine` would install and start one."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setattr(engine, "_startable", lambda problem: True)
    for name in ("install", "start"):
        monkeypatch.setattr(engine.daemon, name, lambda *_, **__: pytest.fail("something was started"))
    monkeypatch.setattr(engine, "lock", lambda *_, **__: pytest.fail("something was started"))
    with pytest.raises(WorkbookError, match=r"No Docker engine is running(.|\n)*make up"):
        engine.reach_engine(1)


def test_a_clock_in_another_time_zone(machine, capsys):
    """The engine reports the time in its own time zone."""
    zone = timezone(timedelta(hours=5, minutes=30))
    machine(SystemTime=datetime.now(zone).isoformat())
    _, checks, _ = looked(capsys)
    assert checks["clock"]["ok"] and checks["clock"]["found"] == "they agree"


def test_minikube_on_path_that_fails(machine, capsys, program):
    machine()
    program("minikube", "echo 'exec format error' >&2; exit 126")
    status, checks, _ = looked(capsys)
    assert status == 1
    assert "minikube: it is installed" in checks["cluster provider"]["found"]
    assert checks["minikube"]["ok"] is False and "exec format error" in checks["minikube"]["found"]
    assert "WORKBOOK_CLUSTER=kind" in checks["minikube"]["fix"]


def test_a_minikube_that_is_needed_and_not_there(machine, capsys, monkeypatch):
    machine()
    monkeypatch.setenv("WORKBOOK_CLUSTER", "minikube")
    status, checks, _ = looked(capsys)
    assert status == 1 and checks["minikube"]["found"] == "not found"
    assert "docs/start" in checks["minikube"]["fix"] and "WORKBOOK_CLUSTER=kind" in checks["minikube"]["fix"]


def test_a_broken_minikube_is_a_note_where_kind_was_chosen(machine, capsys, program, monkeypatch):
    machine()
    program("minikube", "exit 126")
    monkeypatch.setenv("WORKBOOK_CLUSTER", "kind")
    status, checks, _ = looked(capsys)
    assert status == 0 and checks["minikube"]["ok"] is None


def test_a_minikube_that_works_makes_no_folder_of_its_own(machine, capsys, program, tmp_path, monkeypatch):
    machine()
    monkeypatch.setenv("WORKBOOK_PROFILE", "never-made")
    program("minikube", f'/bin/mkdir -p "${{MINIKUBE_HOME:-{tmp_path}/made}}/x"; {MINIKUBE}')
    _, checks, versions = looked(capsys)
    assert checks["minikube"]["ok"] and versions["minikube"] == "v1.39.0" and checks["cluster"]["found"] == "Absent"
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("info", "user", "found"),
    [
        (
            {},
            0,
            "driver docker (this machine's Docker engine is running), runtime docker (images are built in the node), --force",
        ),
        ({"SecurityOptions": ["name=rootless"]}, 1000, "runtime containerd (images are built by this machine's engine"),
        ({"OSType": "windows"}, 1000, "driver chosen by minikube (no Docker engine for Linux containers is running)"),
    ],
)
def test_minikubes_driver_and_runtime(machine, capsys, program, monkeypatch, info, user, found):
    machine(**info)
    program("minikube", MINIKUBE)
    program("docker", "")
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    _, checks, _ = looked(capsys)
    assert checks["minikube"]["ok"] and found in checks["minikube"]["found"]
    assert ("--force" in checks["minikube"]["found"]) == (user == 0)


def test_a_port_that_is_taken_is_a_note(machine, capsys, monkeypatch):
    is_taken = host.is_taken
    machine()
    monkeypatch.setattr(host, "is_taken", is_taken)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(host, "PORTS", {port: "the web application"})
        status, checks, _ = looked(capsys)
    assert status == 0
    assert checks["ports"]["ok"] is None and checks["ports"]["found"] == f"in use: {port} (the web application)"
    assert not is_taken(port), "the check itself keeps the port"


@pytest.mark.parametrize(
    "spoil, what",
    [
        (lambda file: file.write_text(file.read_text(encoding="utf-8")[:20], encoding="utf-8"), "damaged"),
        (lambda file: file.unlink(), "missing"),  # as after a set-up that was interrupted
    ],
    ids=["cut off", "missing"],
)
def test_a_kubeconfig_that_cannot_be_used(machine, capsys, spoil, what):
    machine()
    spoil(Settings.from_environment("workbook").folder / "kubeconfig")
    status, checks, _ = looked(capsys)
    assert status == 1
    assert checks["cluster"]["ok"] is False and f"kubeconfig is {what}" in checks["cluster"]["found"]
    assert "make up" in checks["cluster"]["fix"]


def test_a_kubectl_that_is_too_far_from_the_cluster(machine, capsys, monkeypatch):
    machine()
    monkeypatch.setattr("workbook.kube.kubectl.server_minor", lambda cluster: 33)
    _, checks, _ = looked(capsys)
    assert checks["kubectl"]["ok"] is False and checks["kubectl"]["found"] == "1.36, cluster 1.33"


@pytest.mark.parametrize("state", ["Stopped", "Broken"])
def test_a_cluster_that_does_not_run(machine, capsys, monkeypatch, state):
    machine()
    monkeypatch.setattr(kind.Kind, "status", lambda self: state)
    status, checks, _ = looked(capsys)
    assert status == 1 and checks["cluster"]["found"] == state and "make up" in checks["cluster"]["fix"]


def test_an_old_python(machine, capsys, monkeypatch):
    machine()
    monkeypatch.setattr(host, "OLDEST", (99, 0))
    _, checks, _ = looked(capsys)
    assert checks["Python"]["ok"] is False and checks["Python"]["needed"] == "99.0 or newer"


def test_a_python_that_cannot_even_import_the_package_gets_a_message():
    older = "import sys; sys.version_info = (3, 8, 0, 'final', 0); import workbook"
    done = subprocess.run(
        [sys.executable, "-c", older], cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace"
    )
    assert done.returncode == 1
    assert done.stderr.startswith("This is Python 3.8; the workbook needs 3.11 or newer.")
    assert all(way in done.stderr for way in ("PYTHON=python3.13", "py -3.13 -m workbook", "conda env create"))


def test_another_process_is_a_note(machine, capsys):
    machine()
    with Settings.from_environment("workbook").folder.joinpath("lock").open("w", encoding="utf-8") as file:
        fcntl = pytest.importorskip("fcntl")
        fcntl.flock(file, fcntl.LOCK_EX)
        _, checks, _ = looked(capsys)
    assert checks["other processes"]["ok"] is None and "another process" in checks["other processes"]["found"]


def test_a_set_up_that_runs_is_a_note(machine, set_up_process, capsys):
    machine()
    set_up_process()
    _, checks, _ = looked(capsys)
    assert checks["set-up"]["ok"] is None and "running: Compile etcd v3: " in checks["set-up"]["found"]


def test_a_set_up_that_failed_is_a_problem_unless_the_cluster_runs_all_the_same(
    machine, set_up_process, capsys, monkeypatch
):
    machine()
    set_up_process().communicate("fail\n")
    status, checks, _ = looked(capsys)
    assert (status, checks.keys() & {"set-up", "last set-up"}) == (0, set())
    monkeypatch.setattr(kind.Kind, "status", lambda self: "Stopped")
    status, checks, _ = looked(capsys)
    assert status == 1 and checks["last set-up"]["ok"] is False
    assert checks["last set-up"]["found"] == "failed: The disk is full."
    assert checks["last set-up"]["fix"] == "Free some space. `make up` in a terminal repeats the set-up."


def test_a_network_is_not_needed_when_nothing_is_missing(machine, capsys, monkeypatch):
    machine(online=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    status, checks, _ = looked(capsys)
    assert status == 0
    assert (
        checks["network"]["ok"] is None
        and checks["network"]["fix"] == "Nothing: everything is already on this machine."
    )
    assert "HTTPS_PROXY set" in checks["network"]["found"]
    assert "proxy:3128" not in str(checks), "an address may have a password in it"


def test_the_time_is_bounded(machine, capsys, monkeypatch):
    machine()
    monkeypatch.setattr("workbook.cli.doctor.CHECK_SECONDS", 0.2)
    monkeypatch.setitem(CHECKS, "clock", lambda facts: time.sleep(30))
    begun = time.monotonic()
    status, checks, _ = looked(capsys)
    assert time.monotonic() - begun < 25
    assert status == 1 and checks["clock"]["found"].startswith("no answer within")


def test_an_unexpected_error_is_a_finding_too(machine, capsys, monkeypatch):
    machine()
    monkeypatch.setitem(CHECKS, "clock", lambda facts: {}["none"])
    _, checks, _ = looked(capsys)
    assert checks["clock"]["ok"] is False and "KeyError" in checks["clock"]["found"]


def test_it_needs_only_the_standard_library_and_creates_nothing(tmp_path):
    """In a Python without packages, as after a fresh clone, and without an engine, which must not be started."""
    env = {name: value for name, value in os.environ.items() if name not in ("CONDA_PREFIX", "VIRTUAL_ENV")}
    env |= {"WORKBOOK_HOME": str(tmp_path / "home"), "DOCKER_HOST": f"unix://{tmp_path}/none", "HOME": str(tmp_path)}
    env["PATH"] = os.defpath  # pip asks Rust for its version if it finds one, which creates a folder
    without = [sys.executable, "-S", "-c", "import sys; from workbook.__main__ import main; sys.exit(main())"]
    hide = "import workbook.machine.environment as e; e.found = lambda extra='': None; "
    done = subprocess.run(
        [*without[:-1], hide + without[-1], "doctor", "--json"],
        cwd=ROOT,
        env=env | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
    )
    checks = {check["check"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1 and done.stderr == ""
    assert checks["Python packages"]["ok"] is False and "make up" in checks["Python packages"]["fix"]
    assert checks["Docker engine"]["ok"] is None and "docker is missing" in checks["Docker engine"]["found"]
    assert checks["disk"]["ok"] and checks["Python"]["ok"]
    assert list(tmp_path.iterdir()) == [], "it has created something"
