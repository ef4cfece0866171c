"""What `begin` removes, applies and keeps, on a simulated cluster."""

from types import SimpleNamespace

import pytest

import workbook
from workbook.base.errors import NotPossible, WorkbookError
from workbook.base.labels import MANAGED
from workbook.engine import find
from workbook.lessons import begin
from workbook.lessons.progress import CONFIG_MAP
from workbook.machine import set_up

CAN_BEGIN = "can start on the cluster 'workbook' (existing)."


@pytest.fixture
def cluster(api_server, kubectl_script, monkeypatch, home, tmp_path):
    """A cluster that has web-app:1.0, and whose kubectl prints what it would do; a dry run prints `cluster.dry_run`."""
    image = SimpleNamespace(id="sha256:1", tag=lambda *_: True)
    images = SimpleNamespace(get=lambda _: image, list=lambda **_: [image], remove=lambda _: None)
    registry = SimpleNamespace(inspect_distribution=lambda _: {}, push=lambda *_, **__: [])
    engine = SimpleNamespace(images=images, api=registry)
    monkeypatch.setattr(find, "ensure_engine", lambda **_: engine)
    (home / "clusters/workbook/pushed").write_text("web-app:1.0 sha256:1\n", encoding="utf-8")
    kubectl_script(
        f"""case "$1 $4" in
  delete*) for word; do case "$word" in delete|-*) ;; *) printf '%s ' "$word";; esac; done; echo deleted;;
  "apply --dry-run=server") cat "{tmp_path}/dry-run"; echo "Warning: a field is deprecated" >&2;;
  apply*) echo "$3 created";;
esac"""
    )
    api_server.dry_run = tmp_path / "dry-run"
    api_server.dry_run.write_text("deployment.apps/webapp-deployment unchanged (server dry run)", encoding="utf-8")
    return api_server


@pytest.fixture
def deployment(cluster):
    """The Deployment of notebook 04, as applied, with its ReplicaSet and its Pod."""
    workbook.begin(0)
    labels = {"app": "webapp"}
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}}
    found = cluster.add("deployments", "webapp-deployment", spec=spec, status=status)
    found["metadata"] |= {"generation": 1, "managedFields": [{"manager": "kubectl-client-side-apply"}]}
    owned(cluster.add("replicasets", "webapp-deployment-1"), "webapp-deployment")
    ready = {"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{"restartCount": 0}]}
    owned(cluster.add("pods", "webapp-deployment-1-a", labels=labels, status=ready), "webapp-deployment-1")
    return found


def owned(item, owner):
    item["metadata"]["ownerReferences"] = [{"uid": owner}]
    return item


def printed(number, capsys):
    """The output of `begin(number)` before its last line."""
    capsys.readouterr()
    workbook.begin(number)
    *lines, last = capsys.readouterr().out.splitlines()
    assert last == f"Notebook {number:02} {CAN_BEGIN}"
    return lines


def test_no_such_notebook():
    with pytest.raises(WorkbookError, match=r"no notebook 77(.|\n)*00, 01"):
        workbook.begin(77)


def test_a_set_up_that_runs_is_waited_for(cluster, set_up_process, monkeypatch, capsys):
    process = set_up_process()

    def poll(check, **options):
        assert not check() and cluster.requests == []
        process.communicate("\n")
        return check()

    monkeypatch.setattr(set_up, "poll", poll)
    workbook.begin(0)
    assert "✓ Wait for the set-up (" in capsys.readouterr().out


def test_a_set_up_that_has_failed_is_repeated(cluster, set_up_process, monkeypatch):
    set_up_process().communicate("fail\n")
    cluster.objects["nodes"][0]["status"]["conditions"][0]["status"] = "False"

    def up(cluster):
        raise WorkbookError("The disk is still full.", fix="Free some more space.")

    monkeypatch.setattr(set_up, "up", up)
    with pytest.raises(WorkbookError, match=r"still full(.|\n)*Do:  Free some more"):
        workbook.begin(0)


def test_the_set_up_is_that_of_the_learners_own_cluster(cluster, set_up_process, monkeypatch):
    set_up_process()
    monkeypatch.setenv("WORKBOOK_PROFILE", "workbook-two")
    monkeypatch.setattr(set_up, "LONGEST", 0.1)
    with pytest.raises(WorkbookError, match="Another process is setting up"):
        workbook.begin(0)


def test_it_is_noted(cluster):
    workbook.begin(0)
    assert cluster.find("configmaps", CONFIG_MAP)["data"] == {"00-step": "begun"}


def test_a_first_snapshot_is_taken_after_leftovers_are_removed(cluster, capsys):
    cluster.add("services", "left")
    assert printed(3, capsys)[:2] == [
        "Removing the image web-app:1.0: a later step builds it.",
        "services/left deleted",
    ]
    assert workbook.first_snapshot().empty


def test_what_has_an_owner_or_is_not_the_readers_is_left(cluster, capsys):
    for name in ("kube-root-ca.crt", CONFIG_MAP, "greetings"):
        cluster.add("configmaps", name, data={})
    owned(cluster.add("replicasets", "owned"), "a Deployment")
    workbook.begin(0)
    assert printed(0, capsys) == ["configmaps/greetings deleted"]


def test_what_is_left_is_removed_at_once_after_the_services_and_before_what_pods_use(cluster, capsys):
    workbook.begin(0)
    for resource in ("configmaps", "jobs", "cronjobs", "daemonsets", "statefulsets", "deployments", "services"):
        for name in ("one", "two"):
            cluster.add(resource, name)
    assert printed(0, capsys) == [
        "services/one services/two deleted",
        "cronjobs/one cronjobs/two deployments/one deployments/two statefulsets/one statefulsets/two daemonsets/one daemonsets/two "
        "jobs/one jobs/two deleted",
        "configmaps/one configmaps/two deleted",
    ]


def test_a_job_is_removed_with_its_pods(cluster, capsys, monkeypatch):
    workbook.begin(0)
    monkeypatch.setattr(begin, "await_end", lambda resource: None)
    cluster.add("jobs", "sleep")
    owned(cluster.add("pods", "sleep-a"), "sleep")
    assert printed(0, capsys) == ["jobs/sleep deleted"]


@pytest.mark.parametrize(("labels", "lines"), [(MANAGED, ["namespace shop-other deleted"]), ({}, [])])
def test_the_second_namespace_is_removed_if_it_is_the_workbooks(cluster, capsys, labels, lines):
    workbook.begin(0)
    cluster.add("namespaces", "shop-other", labels=labels)
    assert printed(0, capsys) == lines


def test_a_cluster_in_the_state_is_left_as_it_is(cluster, deployment, capsys):
    workbook.begin(4)
    assert printed(4, capsys) == []


AGAIN = ["deployments/webapp-deployment deleted", "manifests/1-03-webapp-deployment.yaml created"]


def edited(cluster):
    [item] = cluster.objects["deployments"]
    item["metadata"]["managedFields"].append({"manager": "kubectl-edit"})


def restarted(cluster):
    [pod] = cluster.objects["pods"]
    pod["status"]["containerStatuses"][0]["restartCount"] = 1


def revised(cluster):
    owned(cluster.add("replicasets", "webapp-deployment-2"), "webapp-deployment")


def applied_otherwise(cluster):
    cluster.dry_run.write_text("deployment.apps/webapp-deployment configured (server dry run)", encoding="utf-8")


def immutable(cluster):
    cluster.dry_run.unlink()  # so that kubectl fails


def with_another_service(cluster):
    cluster.add("services", "other")


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (edited, []),
        (restarted, []),
        (revised, []),
        (applied_otherwise, []),
        (immutable, []),
        (with_another_service, ["services/other deleted"]),
    ],
)
def test_a_deployment_that_differs_is_created_again(cluster, deployment, capsys, change, first):
    workbook.begin(4)
    change(cluster)
    assert printed(4, capsys) == first + AGAIN


def test_a_controller_may_write_the_status(cluster, deployment, capsys):
    workbook.begin(4)
    deployment["metadata"]["managedFields"].append({"manager": "some-controller", "subresource": "status"})
    assert printed(4, capsys) == []


def test_a_manifest_to_edit_is_copied_and_what_a_learner_wrote_is_kept(cluster, monkeypatch, tmp_path, capsys):
    work = tmp_path / "work"
    monkeypatch.setattr(begin, "WORK", work)
    monkeypatch.setattr(begin, "ROOT", tmp_path)
    monkeypatch.setattr(
        begin, "states", lambda: {"00": {"images": [], "manifests": [], "edit": ["puzzles/puzzle-1.yaml"]}}
    )
    workbook.begin(0)
    given = (begin.MANIFESTS / "puzzles/puzzle-1.yaml").read_text(encoding="utf-8")
    assert [path.read_text(encoding="utf-8") for path in work.iterdir()] == [given]
    workbook.begin(0)
    assert "puzzle-1" not in capsys.readouterr().out
    (work / "puzzle-1.yaml").write_text("mine", encoding="utf-8")
    workbook.begin(0)
    assert "Your work/puzzle-1.yaml is now work/puzzle-1-2" in capsys.readouterr().out
    assert sorted(path.read_text(encoding="utf-8") for path in work.iterdir()) == sorted(["mine", given])


def test_two_nodes_are_required_of_an_existing_cluster(cluster):
    with pytest.raises(NotPossible, match="needs two nodes, and the cluster 'workbook' has 1"):
        workbook.begin(15)
    cluster.add("nodes", "second", status={"conditions": [{"type": "Ready", "status": "True"}]})
    workbook.begin(15)


def test_a_cluster_that_another_notebook_has_left_is_reported(cluster, home, capsys):
    (home / "clusters/workbook-two").mkdir()
    (home / "clusters/workbook-two/kubeconfig").touch()
    workbook.begin(0)
    text = "The cluster 'workbook-two' of another notebook still exists; `delete_cluster(nodes=2)` removes it."
    assert text in capsys.readouterr().out
