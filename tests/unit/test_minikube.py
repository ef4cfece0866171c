"""minikube's messages, and the workbook's reaction to them."""

import json
import os
import platform
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

import node
from node.config import FLAGS
from workbook.base.errors import WorkbookError
from workbook.base.processes import end
from workbook.cluster import minikube
from workbook.cluster.choose import Settings

FAKE = """
case " $* " in
*" status "*) echo "* Profile \\"$2\\" not found."; exit 85 ;;
*" start "*) echo "$@" > "{seen}" ;;
esac
{root}
echo the kubeconfig > "$KUBECONFIG"
"""
# What minikube reports about two nodes: https://minikube.sigs.k8s.io/docs/commands/status/
CONTROL_PLANE = '{"Name":"workbook","Host":"Running","Kubelet":"Running","APIServer":"Running","Worker":false}'
WORKER = '{"Name":"workbook-m02","Host":"Running","Kubelet":"Running","APIServer":"Irrelevant","Worker":true}'
STOPPED_WORKER = WORKER.replace("Running", "Stopped")
ROOT_IS_REFUSED = """
case " $* " in
*" --force "* | *" status "*) ;;
*) echo 'X Exiting due to DRV_AS_ROOT: The "docker" driver should not be used with root privileges.'; exit 80 ;;
esac
"""


@pytest.fixture
def ours(home, monkeypatch):
    monkeypatch.setenv("MINIKUBE_HOME", str(home))
    return minikube.Minikube(Settings.from_environment("workbook"))


@pytest.fixture
def engine(monkeypatch, program):
    """A function that sets the report of this machine's Docker engine (None for no engine), and the user's ID."""

    def runs(info: dict | None, user: int = 1000) -> None:
        program("docker", "")
        found = None if info is None else SimpleNamespace(info=lambda: info)
        monkeypatch.setattr("workbook.engine.find.running_engine", lambda: found)
        monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)

    return runs


@pytest.fixture
def started(ours, program, monkeypatch, tmp_path):
    """A function that starts the cluster with a minikube that runs these lines; it returns the arguments of `minikube start`."""

    def start(root: str = "") -> list[str]:
        monkeypatch.setattr(minikube.ready, "reach", lambda cluster: None)
        monkeypatch.setattr(minikube.ready, "connect", lambda cluster, text: text)
        program("minikube", FAKE.format(seen=tmp_path / "seen", root=root))
        assert ours.start() == "the kubeconfig\n"
        return (tmp_path / "seen").read_text(encoding="utf-8").split()

    return start


def profile(home, driver: str, runtime: str = "docker") -> None:
    """Write minikube's configuration of the profile."""
    folder = home / ".minikube/profiles/workbook"
    folder.mkdir(parents=True)
    notes = {"Name": "workbook", "Driver": driver, "KubernetesConfig": {"ContainerRuntime": runtime}}
    (folder / "config.json").write_text(json.dumps(notes), encoding="utf-8")


# ---- Driver and root ----


def test_root_starts_minikube_which_refuses_root(started, engine, ours):
    engine({"OSType": "linux"}, user=0)
    assert "--force" in started(ROOT_IS_REFUSED)
    assert "minikube refuses root without it" in ours.describe()


def test_another_user_starts_it_with_all_of_minikubes_own_checks(started, engine, ours):
    engine({"OSType": "linux"})
    assert "--force" not in started() and "--force" not in ours.describe()


def test_the_driver_is_the_profiles(ours, home):
    assert ours.driver == ""
    profile(home, "vfkit")
    assert ours.driver == "vfkit"


def test_root_with_the_driver_none_needs_no_force(started, engine, home):
    engine({"OSType": "linux"}, user=0)
    profile(home, "none")
    words = started()
    assert "--driver=none" in words and "--force" not in words


@pytest.mark.parametrize(
    ("info", "driver", "runtime"),
    [
        ({"OSType": "linux"}, "--driver=docker", "docker"),
        ({"OSType": "linux", "SecurityOptions": ["name=seccomp", "name=rootless"]}, "--driver=docker", "containerd"),
        ({"OSType": "windows"}, "", "docker"),
        (None, "", "docker"),
    ],
)
def test_the_driver_is_docker_where_its_engine_runs_linux_containers(started, engine, ours, info, driver, runtime):
    engine(info)
    words = started()
    assert [word for word in words if word.startswith("--driver")] == [driver] * bool(driver)
    assert f"--container-runtime={runtime}" in words
    assert ("driver docker" if driver else "driver chosen by minikube") in ours.describe()


@pytest.mark.parametrize(("megabytes", "asked"), [(3920, 3920), (4096, 4096), (16000, 4096)])
def test_no_more_memory_is_asked_for_than_the_engine_has(started, engine, megabytes, asked):
    """minikube: "Requested memory allocation 4096MB is more than your system limit 3920MB"."""
    engine({"OSType": "linux", "MemTotal": megabytes * 2**20})
    assert f"--memory={asked}" in started()


@pytest.mark.parametrize(("driver", "runtime"), [("kvm2", "containerd"), ("qemu2", "cri-o"), ("docker", "docker")])
def test_a_profile_keeps_its_own_driver_and_runtime(started, engine, ours, home, driver, runtime):
    """minikube would refuse another driver: "created using the … driver, which is incompatible with requested …"."""
    engine({"OSType": "linux"})
    profile(home, driver, runtime)
    words = started()
    assert f"--driver={driver}" in words and f"--container-runtime={runtime}" in words
    assert not any(word.startswith("--ports") for word in words)  # minikube cannot add them later
    assert f"driver {driver} (this profile was created with it)" in ours.describe()


def test_the_controllers_start_as_fast_as_on_kind_and_the_kubelet_has_the_same_bounds(started, engine):
    engine({"OSType": "linux"})
    words = {word.removeprefix("--extra-config=") for word in started() if word.startswith("--extra-config")}
    controllers = {f"controller-manager.{flag.removeprefix('--')}" for flag in node.MANY_REQUESTS}
    assert words == controllers | {"kubelet.pod-max-pids=2048", "kubelet.max-pods=240"}
    assert {*node.MANY_REQUESTS} <= {*FLAGS["kube-controller-manager"]}


# ---- Addresses ----


def test_a_new_node_publishes_a_free_port_on_the_loopback_only(started, engine):
    engine({"OSType": "linux"})
    [ports] = [word for word in started() if word.startswith("--ports=")]
    address, free, inside = ports.removeprefix("--ports=").split(":")
    assert (address, inside) == ("127.0.0.1", str(node.NODE_PORT))
    socket.create_server((address, int(free))).close()


def test_a_port_in_use_is_not_taken(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        taken, free = server.getsockname()[1], other.getsockname()[1]
        other.close()
        monkeypatch.setattr(minikube.random, "sample", lambda ports, count: [taken, free])
        assert minikube._free_port() == free


@pytest.mark.parametrize(
    "said",
    [
        "Error starting userland proxy: listen tcp4 127.0.0.1:31262: bind: address already in use",
        "Bind for 127.0.0.1:31262 failed: port is already allocated",
        "Ports are not available: exposing port TCP 127.0.0.1:31262 -> 0.0.0.0:0",
    ],
)
def test_a_port_that_another_program_took_while_the_node_was_stopped(started, engine, said):
    engine({"OSType": "linux"})
    with pytest.raises(WorkbookError, match=r"port of the cluster's node is in use(.|\n)*31262") as error:
        started(f"""case "$*" in *start*) echo 'Error response from daemon: {said}'; echo X; exit 80 ;; esac""")
    assert "minikube delete" not in str(error.value)


def test_a_cluster_that_was_deleted_is_not_stopped(ours, home, program):
    program("minikube", f'echo "$@" >> "{home}/seen"; exit 85')
    ours.stop()
    assert not (home / "seen").exists()
    profile(home, "docker")
    with pytest.raises(WorkbookError, match="exit status 85"):
        ours.stop()


@pytest.fixture
def service(monkeypatch):
    """A function that sets the node port of the Service `webservice`, and the published ports of the node's container."""

    def has(port: int, **ports: list) -> None:
        monkeypatch.setattr(minikube, "Api", lambda cluster: None)
        monkeypatch.setattr(minikube, "node_port", lambda api, service: port)
        attributes = {"NetworkSettings": {"Ports": {key.replace("_", "/"): value for key, value in ports.items()}}}
        containers = SimpleNamespace(list=lambda **options: [SimpleNamespace(attrs=attributes)])
        monkeypatch.setattr("workbook.engine.find.ensure_engine", lambda **_: SimpleNamespace(containers=containers))

    return has


def test_the_address_is_the_port_that_the_nodes_container_publishes(ours, home, service, program):
    profile(home, "docker")
    service(30080, **{"30080_tcp": [{"HostIp": "127.0.0.1", "HostPort": "31000"}]})
    program("minikube", "echo 'not needed' >&2; exit 1")
    assert ours.url("webservice") == "http://127.0.0.1:31000"


@pytest.mark.parametrize("driver", ["docker", "kvm2"])
def test_a_profile_without_that_port_has_the_address_that_minikube_reports(ours, home, service, program, driver):
    profile(home, driver)
    service(30080, **{"8443_tcp": [{"HostIp": "127.0.0.1", "HostPort": "32770"}]})
    program("minikube", 'echo "* a word of warning"; echo http://192.168.49.2:30080; echo "$@" >&2')
    assert ours.url("webservice") == "http://192.168.49.2:30080"


def test_a_minikube_that_stays_to_forward_the_port_is_kept_and_asked_once(ours, home, service, program, tmp_path):
    """minikube does this on macOS, Windows and WSL with the driver docker."""
    profile(home, "docker")
    service(30080)
    program("minikube", f'echo $$ >> "{tmp_path}/pids"; echo http://127.0.0.1:51234; exec sleep 60')
    begun = time.monotonic()
    assert [ours.url("webservice") for _ in range(2)] == ["http://127.0.0.1:51234"] * 2
    assert time.monotonic() - begun < 30
    [pid] = (tmp_path / "pids").read_text(encoding="utf-8").split()
    process, _ = ours._tunnels["webservice"]
    assert psutil.pid_exists(int(pid)) and process.pid == int(pid)
    end(process)
    ours.url("webservice")  # a tunnel that has ended is opened again
    assert len((tmp_path / "pids").read_text(encoding="utf-8").split()) == 2
    end(ours._tunnels["webservice"][0])


def test_a_minikube_that_reports_no_address_is_quoted(ours, home, service, program):
    profile(home, "kvm2")
    service(30080)
    program("minikube", "echo 'X Exiting due to SVC_UNREACHABLE: no running pod'; exit 115")
    with pytest.raises(WorkbookError, match=r"exit status 115(.|\n)*no running pod"):
        ours.url("webservice")


# ---- The start of the node ----


def test_the_nodes_start_is_its_containers(ours, home, monkeypatch):
    profile(home, "docker")
    container = SimpleNamespace(attrs={"State": {"StartedAt": "2026-11-23T21:00:07.123456789+01:00"}})
    containers = SimpleNamespace(list=lambda **options: [container])
    monkeypatch.setattr("workbook.engine.find.ensure_engine", lambda **_: SimpleNamespace(containers=containers))
    assert ours.started() == "2026-11-23T20:00:07Z"


def test_the_nodes_start_in_a_virtual_machine_is_its_first_process(ours, home, program):
    profile(home, "kvm2")
    stat = "1 (my (odd) init) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1250 1 2 3"
    program("minikube", f"echo '{stat}'; echo 'cpu 1 2 3'; echo 'btime 1795464000'; echo 'processes 9'")
    assert ours.started() == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1795464000 + 12))


# ---- Images of a node whose runtime is not Docker ----

LISTED = [
    {"id": "sha256:aa", "repoTags": ["docker.io/library/web-app:1.0"]},
    {"id": "bb", "repoTags": ["docker.io/library/web-app:2.0", "registry.k8s.io/pause:3.10"]},
    {"id": "cc", "repoTags": None},
]


@pytest.fixture
def containerd(ours, home, program, monkeypatch):
    """A function that gives the profile containerd, and makes minikube list these images and note its arguments."""

    def lists(images: list[dict]) -> None:
        profile(home, "docker", "containerd")
        (home / "listed").write_text(json.dumps(images), encoding="utf-8")
        program("minikube", f'case "$*" in *" ls "*) cat "{home}/listed" ;; *) echo "$@" >> "{home}/asked" ;; esac')
        ids = {"web-app:1.0": "sha256:aa", "web-app:2.0": "sha256:changed"}
        found = SimpleNamespace(images=SimpleNamespace(get=lambda name: SimpleNamespace(id=ids[name])))
        monkeypatch.setattr("workbook.engine.find.ensure_engine", lambda **_: found)

    return lists


def test_images_are_built_by_this_machines_engine_and_only_changed_ones_are_loaded(ours, containerd, home):
    containerd(LISTED)
    assert ours.docker() is ours.engine
    ours.load("web-app:1.0", "web-app:2.0")
    assert (home / "asked").read_text(encoding="utf-8") == "-p workbook image load --daemon web-app:2.0\n"
    assert ours.images() == ["web-app:1.0", "web-app:2.0", "registry.k8s.io/pause:3.10"]
    assert "built by this machine's engine, and loaded onto the node" in ours.describe()


def test_an_image_that_minikube_fails_to_load_without_a_word_is_noticed(ours, containerd):
    containerd(LISTED[:1])
    with pytest.raises(WorkbookError, match=r"did not load web-app:2\.0 onto the node"):
        ours.load("web-app:2.0")


def test_an_image_is_removed_by_minikube(ours, containerd, home):
    containerd(LISTED)
    ours.remove("web-app:1.0")
    assert (home / "asked").read_text(encoding="utf-8") == "-p workbook image rm web-app:1.0\n"


# ---- What minikube answers ----


def test_docker_env_with_tls():
    answer = (
        "DOCKER_TLS_VERIFY=1\nDOCKER_HOST=tcp://127.0.0.1:32768\nDOCKER_CERT_PATH=/home/me/my certs\n"
        "MINIKUBE_ACTIVE_DOCKERD=workbook\n"
    )
    assert minikube.environment(answer) == {
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_HOST": "tcp://127.0.0.1:32768",
        "DOCKER_CERT_PATH": "/home/me/my certs",
        "MINIKUBE_ACTIVE_DOCKERD": "workbook",
    }


@pytest.mark.parametrize(
    ("system", "command"),
    [
        ("linux", "eval $(minikube -p workbook docker-env)"),
        ("win32", "minikube -p workbook docker-env | Invoke-Expression"),
    ],
)
def test_how_a_terminal_gets_to_the_engine_in_the_node(ours, monkeypatch, system, command):
    monkeypatch.setattr(ours, "program", Path)
    monkeypatch.setattr(minikube.sys, "platform", system)
    assert ours.docker_setup == command


def test_images_are_not_built_in_a_node_with_another_runtime(ours, containerd):
    containerd(LISTED)
    assert ours.docker_setup == ""


def test_docker_env_of_another_runtime_is_refused():
    with pytest.raises(WorkbookError, match=r"does not report how to reach the Docker engine"):
        minikube.environment("X Exiting due to MK_USAGE: the docker-env command is only compatible with docker")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ('{"Name":"workbook","Host":"Running","Kubelet":"Running","APIServer":"Running"}', "Running"),
        ('{"Name":"workbook","Host":"Stopped","Kubelet":"Stopped","APIServer":"Stopped"}', "Stopped"),
        ('{"Name":"workbook","Host":"Running","Kubelet":"Stopped","APIServer":"Stopped"}', "Broken"),
        ('{"Name":"workbook","Host":"Running","Kubelet":"Stopped","APIServer":"Paused"}', "Stopped"),
        ('{"Name":"workbook","Host":"Nonexistent","Kubelet":"","APIServer":""}', "Absent"),
        (f"[{CONTROL_PLANE},{WORKER}]", "Running"),
        (f"[{CONTROL_PLANE},{STOPPED_WORKER}]", "Stopped"),
        (f"[{CONTROL_PLANE},{WORKER}]".replace("Running", "Stopped"), "Stopped"),
        (f"[{CONTROL_PLANE},{STOPPED_WORKER}]".replace("Stopped", "Nonexistent"), "Broken"),
        (f"[{CONTROL_PLANE},{WORKER}]".replace("Running", "Nonexistent"), "Absent"),
    ],
)
def test_status(ours, program, answer, state):
    program("minikube", f"echo 'a line before'; echo '{answer}'; exit 7")
    assert ours.status() == state


def test_status_of_a_profile_that_our_kubeconfig_does_not_know(ours, program):
    """As for a profile that the reader created: minikube fails, and prints its complaint on the same line."""
    answer = (
        '{"Name":"workbook","Host":"Running","Kubelet":"Running","APIServer":"Running","Kubeconfig":"Misconfigured"}'
    )
    program("minikube", f"printf '%s' '{answer}'; echo 'E1126 status.go:457] kubeconfig endpoint' >&2; exit 4")
    assert ours.status() == "Running"


@pytest.mark.parametrize(
    "said",
    [
        '* Profile "workbook" not found. Run "minikube profile list" to view all profiles.',
        r'{"type":"io.k8s.sigs.minikube.info","data":{"message":"Profile \"workbook\" not found. Run \"minikube profile list\""}}',
    ],
)
def test_no_such_profile(ours, program, tmp_path, said):
    (tmp_path / "said").write_text(said, encoding="utf-8")
    program("minikube", f'cat "{tmp_path}/said"; exit 85')
    assert ours.status() == "Absent"


def test_a_broken_minikube_says_so_and_names_the_way_out(ours, program):
    program("minikube", "echo 'cannot execute: required file not found'; exit 126")
    with pytest.raises(WorkbookError, match=r"does not work(.|\n)*required file not found(.|\n)*WORKBOOK_CLUSTER=kind"):
        ours.status()


def test_a_minikube_that_is_not_there(ours, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    for use in (ours.status, ours.delete, ours.start, lambda: ours.starting):
        with pytest.raises(
            WorkbookError, match=r"minikube is not installed\.(.|\n)*docs/start(.|\n)*WORKBOOK_CLUSTER=kind"
        ):
            use()


def test_the_readers_kubeconfig_is_never_what_minikube_writes(ours, home, program, monkeypatch, tmp_path):
    profile(home, "docker")
    monkeypatch.setenv("KUBECONFIG", "/reader/config")
    program("minikube", f'echo "$KUBECONFIG" > "{tmp_path}/seen"')
    ours.stop()
    assert (tmp_path / "seen").read_text(encoding="utf-8").strip() == str(ours.scratch)


def test_in_a_terminal_minikube_is_on_the_workbooks_profile_and_kubeconfig(ours):
    wanted = {"KUBECONFIG": str(ours.kubeconfig), "MINIKUBE_PROFILE": "workbook"}
    assert ours.environment().items() >= wanted.items()


def test_kubectl_reaches_the_nodes_without_a_proxy(ours, home, monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "intranet")
    folder = home / ".minikube/profiles/workbook"
    folder.mkdir(parents=True)
    nodes = [{"IP": "192.168.49.2"}, {"IP": "192.168.49.3"}, {"IP": ""}]
    (folder / "config.json").write_text(json.dumps({"Nodes": nodes}), encoding="utf-8")
    for name in ("NO_PROXY", "no_proxy"):
        assert {"intranet", "192.168.49.2", "192.168.49.3"} <= set(ours.environment()[name].split(","))
    assert ours.local


def kubectl_of(minor: int) -> str:
    """A script that is kubectl 1.`minor`."""
    version = json.dumps({"clientVersion": {"gitVersion": f"v1.{minor}.3"}})
    return f"echo '{version}'"


def test_the_kubectl_that_minikube_has_fetched_is_used_itself(ours, program, monkeypatch, tmp_path):
    """minikube is asked to fetch it only once, and the node's kubectl is not for this system on macOS and Windows."""
    cache, version = tmp_path / ".minikube/cache", "amd64/v1.36.3"
    folder = cache / platform.system().lower() / version
    monkeypatch.setenv("MINIKUBE_HOME", str(tmp_path))
    monkeypatch.setattr(minikube, "server_minor", lambda ours: 36)
    program("fetched", kubectl_of(36))
    program("kubectl", kubectl_of(32))
    fetch = f'mkdir -p "{folder}"; cp "{tmp_path}/bin/fetched" "{folder}/kubectl"; touch "{folder}/kubectl.lock"'
    program("minikube", f'echo "$@" >> "{tmp_path}/asked"; {fetch}')
    for _ in range(2):
        assert ours.kubectl() == [str(folder / "kubectl")]
        (cache / "other" / version).mkdir(parents=True, exist_ok=True)
        (cache / "other" / version / "kubectl").write_text("not a program of this system", encoding="utf-8")
    assert (tmp_path / "asked").read_text(encoding="utf-8").count("kubectl") == 1


def test_minikube_kubectl_stands_in_where_its_cache_is_elsewhere(ours, program, monkeypatch, tmp_path):
    monkeypatch.setenv("MINIKUBE_HOME", str(tmp_path))
    monkeypatch.setattr(minikube, "server_minor", lambda ours: 36)
    program("kubectl", kubectl_of(32))
    program("minikube", kubectl_of(36))
    assert ours.kubectl() == ["minikube", "-p", "workbook", "kubectl", "--"]


# ---- Two nodes ----


@pytest.fixture
def two(ours, monkeypatch):
    """The cluster with two nodes, in place of `ours`."""
    monkeypatch.setattr(ours, "settings", Settings.from_environment("workbook-two"))
    return ours


def test_two_nodes_are_small_and_use_containerd(two, started, engine):
    """minikube's `docker-env` refuses a cluster with several nodes, and two nodes cannot publish the same port."""
    engine({"OSType": "linux"})
    words = started()
    assert {"--nodes=2", "--container-runtime=containerd", "--memory=1900"} <= set(words)
    assert not any(word.startswith("--ports") for word in words)
    assert "two nodes" in two.describe()


def test_two_nodes_without_an_engine(two, started, engine):
    engine(None)
    assert {"--nodes=2", "--container-runtime=containerd", "--memory=1900"} <= set(started())


def test_a_node_that_was_just_switched_off_is_started(two, program, engine, monkeypatch, tmp_path):
    engine({"OSType": "linux"})
    monkeypatch.setattr(minikube.ready, "reach", lambda cluster: "the connection")
    monkeypatch.setattr(minikube.ready, "connect", lambda cluster, text: "connected")
    (tmp_path / "said").write_text(f"[{CONTROL_PLANE},{WORKER}]", encoding="utf-8")
    program("minikube", f'case "$*" in *status*) cat "{tmp_path}/said";; *) echo > "$KUBECONFIG";; esac')
    assert two.start() == "the connection"
    (tmp_path / "said").write_text(f"[{CONTROL_PLANE},{STOPPED_WORKER}]", encoding="utf-8")
    assert two.start() == "connected"


def test_a_node_is_switched_off_and_started_by_its_name(two, program, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(minikube, "Api", lambda cluster: None)
    waited = []
    monkeypatch.setattr(minikube.ready, "wait_for_nodes", lambda cluster, api: waited.append(cluster.name))
    program("minikube", f'echo "$@" >> "{tmp_path}/seen"')
    two.stop_node("workbook-two-m02")
    assert not waited
    two.start_node("workbook-two-m02")
    seen = (tmp_path / "seen").read_text(encoding="utf-8").splitlines()
    assert seen == [f"-p workbook-two node {verb} workbook-two-m02" for verb in ("stop", "start")]
    assert waited == ["workbook-two"] and "node stop workbook-two-m02" in capsys.readouterr().out


def test_a_node_that_is_a_container_is_killed_so_that_its_programs_do_not_end_in_order(two, monkeypatch, capsys):
    killed = []
    container = SimpleNamespace(kill=lambda: killed.append("workbook-two-m02"))
    asked = SimpleNamespace(list=lambda all, filters: [container] if "workbook-two-m02" in filters["name"] else [])
    monkeypatch.setattr(two, "_profile", lambda: {"Driver": "docker"})
    monkeypatch.setattr("workbook.engine.find.ensure_engine", lambda **_: SimpleNamespace(containers=asked))
    two.stop_node("workbook-two-m02")
    assert killed == ["workbook-two-m02"] and "$ docker kill workbook-two-m02" in capsys.readouterr().out
