"""What minikube says, and what becomes of it."""

import json

import pytest

from workbook.base.errors import WorkbookError
from workbook.cluster import minikube
from workbook.cluster.choose import Settings


@pytest.fixture
def ours(home):
    return minikube.Minikube(Settings.from_environment("workbook"))


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


def test_docker_env_of_another_runtime_is_refused():
    with pytest.raises(WorkbookError, match=r"does not report how to reach the Docker engine"):
        minikube.environment("X Exiting due to MK_USAGE: the docker-env command is only compatible with docker")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ('{"Name":"workbook","Host":"Running","Kubelet":"Running","APIServer":"Running"}', "Running"),
        ('{"Name":"workbook","Host":"Stopped","Kubelet":"Stopped","APIServer":"Stopped"}', "Stopped"),
        ('{"Name":"workbook","Host":"Running","Kubelet":"Stopped","APIServer":"Stopped"}', "Broken"),
        ('{"Name":"workbook","Host":"Nonexistent","Kubelet":"","APIServer":""}', "Absent"),
    ],
)
def test_status(ours, program, answer, state):
    program("minikube", f"echo 'a line before'; echo '{answer}'; exit 7")
    assert ours.status() == state


@pytest.mark.parametrize(
    "said",
    [
        '* Profile "workbook" not found. Run "minikube profile list" to view all profiles.',
        r'{"type":"io.k8s.sigs.minikube.info","data":{"message":"Profile \"workbook\" not found. Run \"minikube profile list\""}}',
    ],
)
def test_no_such_profile(ours, program, tmp_path, said):
    (tmp_path / "said").write_text(said)
    program("minikube", f"cat {tmp_path}/said; exit 85")
    assert ours.status() == "Absent"


def test_a_broken_minikube_says_so_and_names_the_way_out(ours, program):
    program("minikube", "echo 'cannot execute: required file not found'; exit 126")
    with pytest.raises(WorkbookError, match=r"does not work(.|\n)*required file not found(.|\n)*WORKBOOK_CLUSTER=kind"):
        ours.status()


def test_the_readers_kubeconfig_is_never_what_minikube_writes(ours, program, monkeypatch, tmp_path):
    monkeypatch.setenv("KUBECONFIG", "/reader/config")
    program("minikube", f'echo "$KUBECONFIG" > {tmp_path}/seen')
    ours.stop()
    assert (tmp_path / "seen").read_text().strip() == str(ours.scratch)


def test_in_a_terminal_minikube_is_on_the_workbooks_profile_and_kubeconfig(ours):
    assert ours.environment() == {"KUBECONFIG": str(ours.kubeconfig), "MINIKUBE_PROFILE": "workbook"}


def kubectl_of(minor: int) -> str:
    """A script that is kubectl 1.`minor`."""
    version = json.dumps({"clientVersion": {"gitVersion": f"v1.{minor}.3"}})
    return f"echo '{version}'"


def test_the_kubectl_that_minikube_has_fetched_is_used_itself(ours, program, monkeypatch, tmp_path):
    folder = tmp_path / ".minikube/cache/linux/amd64/v1.36.3"
    monkeypatch.setenv("MINIKUBE_HOME", str(tmp_path))
    monkeypatch.setattr(minikube, "server_minor", lambda ours: 36)
    program("fetched", kubectl_of(36))
    program("kubectl", kubectl_of(32))
    program("minikube", f"mkdir -p {folder}; cp {tmp_path}/bin/fetched {folder}/kubectl; touch {folder}/kubectl.lock")
    assert ours.kubectl() == [str(folder / "kubectl")]


def test_minikube_kubectl_stands_in_where_its_cache_is_elsewhere(ours, program, monkeypatch, tmp_path):
    monkeypatch.setenv("MINIKUBE_HOME", str(tmp_path))
    monkeypatch.setattr(minikube, "server_minor", lambda ours: 36)
    program("kubectl", kubectl_of(32))
    program("minikube", kubectl_of(36))
    assert ours.kubectl() == ["minikube", "-p", "workbook", "kubectl", "--"]
