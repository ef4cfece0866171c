"""Containers that are started on a node without Kubernetes, by `ctr` or by the Docker engine in the node."""

import json
from types import SimpleNamespace

import pytest
from docker.errors import NotFound

import workbook
from workbook.base.errors import WorkbookError
from workbook.base.processes import typed
from workbook.cluster import kind, minikube
from workbook.cluster.choose import Settings
from workbook.lessons import on_node

POD = "6f1c0a5d1d3e45a7" * 4
"""A container of a Pod, as containerd names it."""


class Containerd:
    """A node's containerd: answers `ctr --namespace=k8s.io …`, and notes what changes something."""

    def __init__(self) -> None:
        self.states = {POD: "RUNNING"}
        """The state of each container's process; empty if there is none, as after a restart of the node."""
        self.asked: list[str] = []

    def ctr(self, *words: str) -> str:
        if words == ("containers", "list", "--quiet"):
            return "".join(f"{name}\n" for name in self.states)
        if words == ("tasks", "list"):
            tasks = [
                f"{name}    {100 + number}    {state}\n"
                for number, (name, state) in enumerate(self.states.items())
                if state
            ]
            return "TASK    PID    STATUS\n" + "".join(tasks)
        self.asked.append(" ".join(words))
        match words:
            case ("run", "--detach", "docker.io/library/web-app:1.0", name):
                assert name not in self.states
                self.states[name] = "RUNNING"
            case ("tasks", "delete", "--force", name):
                assert self.states[name]
                self.states[name] = ""
            case ("tasks", "kill", "--signal", "SIGKILL", name):
                assert self.states[name] == "RUNNING"
                self.states[name] = "STOPPED"
            case ("containers", "delete", name):
                assert not self.states.pop(name)
            case _:
                raise AssertionError(f"ctr does not know {words}")
        return ""

    def run(self, command: list[str], show: bool, apart: bool) -> str:
        assert command[:5] == ["docker", "exec", "workbook-control-plane", "ctr", "--namespace=k8s.io"] and apart
        if show:
            print(f"$ {typed(command)}")
        return self.ctr(*command[5:])


@pytest.fixture
def containerd(home, monkeypatch, tmp_path):
    """The node of the current cluster, which is a kind cluster."""
    server = Containerd()
    node = SimpleNamespace(name="workbook-control-plane")
    engine = SimpleNamespace(containers=SimpleNamespace(list=lambda **options: [node]))
    monkeypatch.setattr("workbook.engine.find.ensure_engine", lambda **_: engine)
    monkeypatch.setattr(kind, "run", server.run)
    monkeypatch.setattr(on_node, "current", lambda: kind.Kind(Settings.from_environment("workbook")))
    return server


def test_a_container_is_started_and_ended_on_kinds_node(containerd, capsys):
    workbook.run_on_node("web-app:1.0", "stranger")
    assert workbook.containers_on_node() == [POD, "stranger"]
    workbook.end_on_node("stranger")
    assert workbook.containers_on_node() == [POD]
    command = "$ docker exec workbook-control-plane ctr --namespace=k8s.io"
    assert capsys.readouterr().out.splitlines() == [
        f"{command} run --detach docker.io/library/web-app:1.0 stranger",
        f"{command} tasks delete --force stranger",
        f"{command} containers delete stranger",
    ]


@pytest.mark.parametrize(
    ("state", "removed"),
    [
        ("RUNNING", ["tasks delete --force stranger", "containers delete stranger"]),
        ("STOPPED", ["tasks delete --force stranger", "containers delete stranger"]),
        ("", ["containers delete stranger"]),  # after a restart of the node
    ],
)
def test_a_container_replaces_an_earlier_one_of_its_name(containerd, state, removed):
    containerd.states["stranger"] = state
    assert workbook.containers_on_node() == [POD, *(["stranger"] if state == "RUNNING" else [])]
    workbook.run_on_node("web-app:1.0", "stranger")
    assert containerd.asked == [*removed, "run --detach docker.io/library/web-app:1.0 stranger"]


def test_a_pods_container_is_killed_and_left_to_the_kubelet(containerd):
    workbook.end_on_node(POD)
    assert containerd.asked == [f"tasks kill --signal SIGKILL {POD}"]


def test_nothing_is_ended_that_does_not_exist(containerd):
    workbook.end_on_node("stranger")
    assert containerd.asked == []


class Engine:
    """The Docker engine in a minikube node: its containers, by name. A Pod's has an ID as well."""

    def __init__(self) -> None:
        self.names = ["k8s_webapp_webapp-deployment"]
        self.killed: list[str] = []
        self.containers = self

    def list(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=name) for name in self.names]

    def get(self, wanted: str) -> SimpleNamespace:
        name = self.names[0] if wanted == POD else wanted
        if name not in self.names:
            raise NotFound(wanted)
        return SimpleNamespace(
            name=name, remove=lambda force: self.names.remove(name), kill=lambda: self.killed.append(name)
        )

    def run(self, image: str, name: str, detach: bool) -> None:
        assert detach and name not in self.names
        self.names.append(name)


def profile(home, runtime: str) -> minikube.Minikube:
    """A minikube cluster whose profile has this runtime."""
    folder = home / ".minikube/profiles/workbook"
    folder.mkdir(parents=True)
    notes = {"Name": "workbook", "Driver": "docker", "KubernetesConfig": {"ContainerRuntime": runtime}}
    (folder / "config.json").write_text(json.dumps(notes), encoding="utf-8")
    return minikube.Minikube(Settings.from_environment("workbook"))


@pytest.fixture
def cluster(home, monkeypatch):
    """A function that makes minikube with this runtime the current cluster."""
    monkeypatch.setenv("MINIKUBE_HOME", str(home))

    def use(runtime: str) -> minikube.Minikube:
        found = profile(home, runtime)
        monkeypatch.setattr(on_node, "current", lambda: found)
        return found

    return use


def test_a_container_is_started_and_ended_by_docker_in_minikubes_node(cluster, monkeypatch, capsys):
    engine = Engine()
    monkeypatch.setattr(cluster("docker"), "docker", lambda: engine)
    for _ in range(2):
        workbook.run_on_node("web-app:1.0", "stranger")
        assert workbook.containers_on_node() == ["k8s_webapp_webapp-deployment", "stranger"]
    workbook.end_on_node("stranger")
    workbook.end_on_node("stranger")
    workbook.end_on_node(POD)
    assert workbook.containers_on_node() == engine.killed == ["k8s_webapp_webapp-deployment"]
    run, end = "$ docker run --detach --name stranger web-app:1.0", "$ docker rm --force stranger"
    assert capsys.readouterr().out.splitlines() == [run, end, run, end, f"$ docker kill {POD}"]


def test_a_container_is_started_and_ended_by_containerd_in_minikubes_node(cluster, program, monkeypatch, capsys):
    program("minikube", "")
    found, server = cluster("containerd"), Containerd()

    def read(*words: str) -> str:
        assert words[:5] == ("ssh", "--", "sudo", "ctr", "--namespace=k8s.io")
        return server.ctr(*words[5:])

    monkeypatch.setattr(found, "_read", read)
    workbook.run_on_node("web-app:1.0", "stranger")
    assert workbook.containers_on_node() == [POD, "stranger"]
    workbook.end_on_node("stranger")
    assert workbook.containers_on_node() == [POD]
    first, *_ = capsys.readouterr().out.splitlines()
    command = "minikube -p workbook ssh -- sudo ctr --namespace=k8s.io"
    assert first == f"$ {command} run --detach docker.io/library/web-app:1.0 stranger"


@pytest.mark.parametrize(
    "call",
    [
        lambda: workbook.run_on_node("web-app:1.0", "stranger"),
        lambda: workbook.end_on_node("stranger"),
        workbook.containers_on_node,
    ],
)
class TestRefusals:
    def test_another_runtime_is_named(self, cluster, call):
        cluster("cri-o")
        with pytest.raises(WorkbookError, match=r"runtime 'cri-o'(.|\n)*minikube delete -p workbook"):
            call()

    def test_another_administrators_nodes_are_left_alone(self, api_server, call):
        with pytest.raises(WorkbookError, match=r"nodes of this cluster, context 'cloud'(.|\n)*Namespace 'shop'"):
            call()
