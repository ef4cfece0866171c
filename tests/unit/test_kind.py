"""The address of a Service on kind, the start of its node, and a cluster with two nodes."""

import io
import json
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

import node
from workbook.base.errors import WorkbookError
from workbook.base.processes import typed
from workbook.cluster import kind
from workbook.cluster.choose import Settings


@pytest.fixture
def ours(home, monkeypatch):
    """A function that makes a cluster whose Service has this node port; `attributes` are those of its node, or None for no node."""

    def make(attributes: dict | None, port: int = 30080) -> kind.Kind:
        monkeypatch.setattr(kind, "Api", lambda cluster: None)
        monkeypatch.setattr(kind, "node_port", lambda api, service: port)
        found = [] if attributes is None else [SimpleNamespace(attrs=attributes, name="workbook-control-plane")]
        engine = SimpleNamespace(containers=SimpleNamespace(list=lambda **options: found))
        monkeypatch.setattr("workbook.engine.find.ensure_engine", lambda **_: engine)
        return kind.Kind(Settings.from_environment("workbook"))

    return make


NETWORK = {
    "Ports": {"30080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "32769"}], "6443/tcp": None},
    "Networks": {"kind": {"IPAddress": "172.18.0.2"}},
}


@pytest.mark.parametrize(
    ("port", "address"),
    [(30080, "http://127.0.0.1:32769"), (30081, "http://172.18.0.2:30081"), (6443, "http://172.18.0.2:6443")],
)
def test_a_published_port_is_the_address_and_else_the_nodes(ours, port, address):
    assert ours({"NetworkSettings": NETWORK}, port).url("webservice") == address


def test_a_node_image_that_was_built_here_gets_a_class_that_provides_volumes():
    asked = []

    def request(method, path, body=None):
        asked.append((method, path, body))

    kind._provide_volumes(SimpleNamespace(request=request))
    classes = "/apis/storage.k8s.io/v1/storageclasses"
    assert asked == [("DELETE", f"{classes}/standard", None), ("POST", classes, kind.node.STORAGE_CLASS)]


def test_no_address_without_a_node(ours):
    with pytest.raises(WorkbookError, match="The node of the cluster 'workbook' does not exist"):
        ours(None).url("webservice")


@pytest.mark.parametrize(
    "written", ["2026-11-23T20:00:07.123456789Z", "2026-11-23T21:00:07+01:00", "2026-11-23T20:00:07Z"]
)
def test_the_nodes_start_is_its_containers(ours, written):
    assert ours({"State": {"StartedAt": written}}).started() == "2026-11-23T20:00:07Z"


def test_its_nodes_are_containers(ours):
    assert ours(None).driver == "docker"


def test_the_start_of_an_absent_node_is_not_known(ours):
    assert ours(None).started() == ""


# ---- Two nodes ----

CONTROL_PLANE, WORKER = "workbook-two-control-plane", "workbook-two-worker"


class Node:
    """A node's container, which notes in `done` what is done to it."""

    def __init__(self, name: str, address: str, image: str, done: list[str]) -> None:
        self.name, self.status, self._done, self.images = name, "running", done, {}
        self.attrs = {"Config": {"Image": image}, "NetworkSettings": {"Networks": {"kind": {"IPAddress": address}}}}

    def start(self):
        self.status = "running"
        self._done.append(f"start {self.name}")

    def stop(self):
        self.status = "exited"
        self._done.append(f"stop {self.name}")

    def kill(self):
        self.status = "exited"
        self._done.append(f"kill {self.name}")

    def execute(self, *command):
        *_, action, last = command
        if command[0] != "ctr":
            self._done.append(f"{self.name}: {' '.join(command)}")
        elif "label" in command:
            self.images[action] = last
        return "\n".join(f"{image} {label}" for image, label in self.images.items()) if last == "list" else ""


@pytest.fixture
def two(home, monkeypatch):
    """A function that makes a running cluster with two nodes from this image; its `done` lists what was done to the nodes."""

    def make(image: str = "") -> kind.Kind:
        done: list[str] = []
        image = image or node.node_tag()
        # The engine lists the newest container first.
        nodes = [Node(WORKER, "172.18.0.3", image, done), Node(CONTROL_PLANE, "172.18.0.2", image, done)]
        images = SimpleNamespace(get=lambda name: SimpleNamespace(id=f"sha256:{name}"))

        def run(command, show=False, **options):
            if show:
                print(f"$ {typed(command)}")
            if command[:2] == ["docker", "exec"]:
                return next(node for node in nodes if node.name == command[2]).execute(*command[3:])
            done.append(" ".join(command[1:]))
            return ""

        engine = SimpleNamespace(containers=SimpleNamespace(list=lambda **options: list(nodes)), images=images)
        monkeypatch.setattr("workbook.engine.find.ensure_engine", lambda **_: engine)
        monkeypatch.setattr(kind, "Api", lambda cluster: None)
        monkeypatch.setattr(kind, "read", lambda command: "a kubeconfig")
        monkeypatch.setattr(kind, "run", run)
        monkeypatch.setattr(kind.ready, "reach", lambda cluster: "the connection")
        monkeypatch.setattr(kind.ready, "connect", lambda cluster, text, timeout=0: done.append("connect"))
        monkeypatch.setattr(kind, "_provide_volumes", lambda api: None)
        monkeypatch.setattr(kind.ready, "wait_for_nodes", lambda cluster, api: done.append("wait"))
        cluster = kind.Kind(Settings.from_environment("workbook-two"))
        monkeypatch.setattr(cluster, "node_image", lambda: (image, image == "kindest/node"))
        monkeypatch.setattr(cluster, "program", Path)  # so that kind is not compiled
        cluster.containers, cluster.done = nodes, done
        return cluster

    return make


CONNECTED = [
    f"{CONTROL_PLANE}: ip route replace 10.244.1.0/24 via 172.18.0.3",
    f"{CONTROL_PLANE}: {' '.join(node.masquerade(0))}",
    f"{WORKER}: ip route replace 10.244.0.0/24 via 172.18.0.2",
    f"{WORKER}: {' '.join(node.masquerade(1))}",
]


def test_the_name_decides_about_the_number_of_nodes(two, ours):
    assert "two nodes" in two().describe() and "one node" in ours(None).describe()


def test_the_control_plane_comes_first(two):
    assert [container.name for container in two().nodes()] == [CONTROL_PLANE, WORKER]
    assert two().node().name == CONTROL_PLANE


def test_a_running_cluster_is_left_alone(two):
    cluster = two()
    assert (cluster.start(), cluster.done) == ("the connection", [])


def test_a_node_that_is_off_is_started_even_if_the_cluster_has_not_noticed(two, capsys):
    cluster = two()
    cluster.stop_node(WORKER)
    assert cluster.status() == "Stopped"
    cluster.start()
    assert cluster.done == [f"kill {WORKER}", f"start {WORKER}", "connect", *CONNECTED]
    shown = capsys.readouterr().out
    for command in (
        f"kill {WORKER}",
        f"start {WORKER}",
        f"exec {WORKER} ip route replace 10.244.0.0/24 via 172.18.0.2",
    ):
        assert f"$ docker {command}\n" in shown


def test_pods_are_connected_when_a_lost_node_is_back(two):
    cluster = two()
    cluster.stop_node(WORKER)
    cluster.start_node(WORKER)
    assert cluster.done == [f"kill {WORKER}", f"start {WORKER}", "wait", *CONNECTED]


def test_the_official_image_connects_the_pods_itself(two):
    cluster = two("kindest/node:v1.37.0")
    cluster.stop_node(WORKER)
    cluster.start_node(WORKER)
    assert cluster.done == [f"kill {WORKER}", f"start {WORKER}", "wait"]


def test_only_nodes_of_the_cluster_are_stopped(two):
    with pytest.raises(WorkbookError, match="has no node 'workbook-control-plane'"):
        two().stop_node("workbook-control-plane")


def test_a_cluster_whose_creation_was_interrupted_is_replaced(two, capsys):
    cluster = two()
    cluster.containers.pop(0)
    cluster.containers[0].stop()
    cluster.start()
    assert "does not start, so a new one replaces it.\nIts creation was interrupted." in capsys.readouterr().out
    assert [words.split()[0] for words in cluster.done] == ["stop", "delete", "create", "connect"]


def test_a_creation_that_was_interrupted_at_its_end_is_repeated(two, monkeypatch, capsys):
    """All nodes run, and the API server answers, but kind or the workbook had more to do."""
    cluster = two()
    nodes = list(cluster.containers)
    cluster.containers.clear()

    def interrupted(api):
        cluster.containers += nodes
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(kind, "_provide_volumes", interrupted)
        cluster.start()
    cluster.done.clear()
    cluster.start()
    assert "Its creation was interrupted." in capsys.readouterr().out
    assert [words.split()[0] for words in cluster.done[:3]] == ["delete", "create", "connect"]
    cluster.done.clear()
    assert (cluster.start(), cluster.done) == ("the connection", [])


def test_the_installation_of_kind_is_no_part_of_the_clusters_creation(two, monkeypatch, capsys):
    cluster = two()
    cluster.containers.clear()
    monkeypatch.setattr(cluster, "program", lambda name: print("kind is installed") or Path(name))
    cluster.start()
    printed = capsys.readouterr().out
    assert printed.index("kind is installed") < printed.index("· Create the cluster")


def test_each_node_gets_a_network_of_its_own(two):
    cluster = two()
    cluster.containers.clear()
    cluster.start()
    written = yaml.safe_load((cluster.folder / "kind.yaml").read_text(encoding="utf-8"))
    for number, entry in enumerate(written["nodes"]):
        mount = entry["extraMounts"][0]
        bridge = json.loads(Path(mount["hostPath"]).read_text(encoding="utf-8"))["plugins"][0]
        assert bridge["ipam"]["ranges"] == [[{"subnet": f"10.244.{number}.0/24"}]]


def test_the_official_image_keeps_its_networks(two):
    cluster = two("kindest/node")
    cluster.containers.clear()
    cluster.start()
    written = yaml.safe_load((cluster.folder / "kind.yaml").read_text(encoding="utf-8"))
    assert [entry["role"] for entry in written["nodes"]] == ["control-plane", "worker"]
    assert "extraMounts" not in written["nodes"][1] and not list(cluster.folder.glob("*.conflist"))


@pytest.mark.parametrize("image", ["", "kindest/node"])
def test_kubeadm_finds_its_patches(two, image):
    cluster = two(image)
    cluster.containers.clear()
    cluster.start()
    written = yaml.safe_load((cluster.folder / "kind.yaml").read_text(encoding="utf-8"))
    mount = next(each for each in written["nodes"][0]["extraMounts"] if Path(each["hostPath"]).is_dir())
    found = {path.name: path.read_text(encoding="utf-8") for path in Path(mount["hostPath"]).iterdir()}
    assert found == node.kubeadm_patches() and mount["containerPath"] in "".join(written["kubeadmConfigPatches"])


@pytest.mark.parametrize(("image", "kept"), [("", True), ("kindest/node", False)])
def test_volumes_of_a_node_that_was_built_here_outlive_a_restart(two, image, kept):
    cluster = two(image)
    cluster.containers.clear()
    cluster.start()
    for entry in yaml.safe_load((cluster.folder / "kind.yaml").read_text(encoding="utf-8"))["nodes"]:
        files = [Path(mount["hostPath"]) for mount in entry.get("extraMounts", [])]
        units = [file.read_text(encoding="utf-8") for file in files if file.suffix == ".conf"]
        assert units == ([node.KEEP_VOLUMES] if kept else [])


@pytest.mark.parametrize(
    ("server", "system", "used"),
    [(32, "linux", "node's"), (33, "linux", "node's"), (36, "linux", "installed"), (32, "darwin", None)],
)
def test_a_cluster_that_no_installed_kubectl_fits_has_one_itself(two, program, monkeypatch, server, system, used):
    """The node has 1.32, and this machine has 1.36."""
    version = """echo '{"clientVersion": {"gitVersion": "v1.%d.2"}}'"""
    program("kubectl", version % 36)
    cluster, copied = two(), []

    def get_archive(path):
        copied.append(path)
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as archive:
            member = tarfile.TarInfo("kubernetes")
            text = f"#!/bin/sh\n{version % 32}\n".encode()
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
        return iter([content.getvalue()[:700], content.getvalue()[700:]]), {}

    container = cluster.containers[1]  # with the control plane
    monkeypatch.setattr(container, "get_archive", get_archive, raising=False)
    links = {("readlink", "--canonicalize", "/usr/bin/kubectl"): "/usr/bin/kubernetes\n"}
    monkeypatch.setattr(container, "execute", lambda *command: links[command])
    monkeypatch.setattr(kind, "server_minor", lambda access: server)
    monkeypatch.setattr(sys, "platform", system)
    if used is None:
        with pytest.raises(WorkbookError, match="more than one minor version away"):
            cluster.kubectl()
        return
    for _ in range(2):
        (path,) = cluster.kubectl()
        assert Path(path).is_relative_to(cluster.folder) == (used == "node's") and Path(path).name == "kubectl"
    assert copied == (["/usr/bin/kubernetes"] if used == "node's" else [])


def test_both_nodes_stop_the_control_plane_last(two):
    cluster = two()
    cluster.stop()
    assert cluster.done == [f"stop {WORKER}", f"stop {CONTROL_PLANE}"]


def test_an_image_that_one_node_lacks_is_loaded(two):
    cluster = two()
    cluster.load("web-app:1.0")
    assert cluster.done == ["load docker-image web-app:1.0 --name workbook-two"]
    cluster.load("web-app:1.0")
    assert len(cluster.done) == 1
    cluster.containers[0].images.clear()
    cluster.load("web-app:1.0")
    assert len(cluster.done) == 2
    assert all(container.images for container in cluster.containers)
