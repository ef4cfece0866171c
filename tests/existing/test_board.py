"""The board of a class on a real cluster: the instructor's, and a learner's with their own token."""

import json
import subprocess

import pytest
import yaml

from workbook.base.polling import poll
from workbook.classroom.board import opened
from workbook.kube import kubeconfig
from workbook.kube.kubectl import require_kubectl
from workbook.lessons.progress import CONFIG_MAP

pytestmark = pytest.mark.cluster
LEARNERS = CAT, DAN = "learner-cat", "learner-dan"
BROKEN = {"containers": [{"name": "a", "image": "web-app:9.9", "imagePullPolicy": "Never"}]}


def objects(name):
    """A learner's namespace, a ServiceAccount that may change everything in it, a note, and a Pod that can't start."""
    metadata = {"name": "learner", "namespace": name}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"workbook": "learner"}}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
            "subjects": [{"kind": "ServiceAccount", **metadata}],
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": CONFIG_MAP, "namespace": name},
            "data": {"03-step": "begun"},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "namespace": name},
            "spec": BROKEN | {"serviceAccountName": "learner"},
        },
    ]


@pytest.fixture(scope="module")
def kubectl(elsewhere):
    """A function that runs kubectl as the administrator of a cluster with two learners."""
    command = [require_kubectl(), "--kubeconfig", str(elsewhere.kubeconfig)]

    def run(*words, **options):
        done = subprocess.run(
            [*command, *words], check=True, capture_output=True, encoding="utf-8", timeout=180, **options
        )
        return done.stdout

    items = [item for name in LEARNERS for item in objects(name)]
    run("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    yield run
    run("delete", "namespaces", *LEARNERS)


@pytest.fixture
def connect(elsewhere, monkeypatch):
    """A function that makes this process use a kubeconfig and its context for the board."""
    for variable in ("WORKBOOK_CLUSTER", "WORKBOOK_NAMESPACE", "WORKBOOK_PROFILE"):
        monkeypatch.delenv(variable, raising=False)

    def use(path, context):
        for variable in ("KUBECONFIG", kubeconfig.USERS):
            monkeypatch.setenv(variable, str(path))
        monkeypatch.setenv("WORKBOOK_CONTEXT", context)

    use(elsewhere.kubeconfig, elsewhere.context)
    return use


def test_a_change_and_a_stuck_pod_are_seen(kubectl, connect):
    def shown():
        """The rows of these two learners. Those of other tests may still be there."""
        return [row for row in board.rows() if row.learner in LEARNERS]

    with opened() as board:
        board.read()
        assert board.of_class and {row.learner for row in shown()} == {*LEARNERS}  # who is stuck comes first
        board.watch()
        poll(lambda: {str(row.stuck) for row in shown()} == {"['Pod web: ErrImageNeverPull']"}, timeout=60)
        failed = json.dumps({"data": {"failed-check": "it rains", "failed-since": "2026-01-01T00:00:00Z"}})
        kubectl("patch", "configmap", CONFIG_MAP, f"--namespace={DAN}", "--type=merge", f"--patch={failed}")
        poll(lambda: shown()[0].failed == "it rains", timeout=2)
        assert shown()[0].learner == DAN and board.notice == ""


def test_with_a_learners_token_there_is_only_their_line(kubectl, connect, elsewhere, tmp_path):
    config = yaml.safe_load(kubectl("config", "view", "--minify", "--flatten"))
    config["users"] = [{"name": CAT, "user": {"token": kubectl("create", "token", "learner", f"-n={CAT}").strip()}}]
    context = {"cluster": config["clusters"][0]["name"], "user": CAT, "namespace": CAT}
    config["contexts"] = [{"name": CAT, "context": context}]
    path = tmp_path / "learner.kubeconfig"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    connect(path, CAT)
    with opened() as board:
        board.read()
        assert not board.of_class
        assert [(row.learner, row.begun) for row in board.rows()] == [(CAT, 1)]
