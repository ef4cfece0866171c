"""`begin` reaches a notebook's state from any other, and touches nothing else."""

import hashlib
import os
import shutil

import pytest
import yaml

import workbook
from tests import sessions
from tests.webapp import changed
from workbook.base.errors import WorkbookError
from workbook.base.paths import home
from workbook.cluster.current import current
from workbook.engine import catalog
from workbook.kube import kubeconfig
from workbook.lessons.kubectl import kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("state")]
MANIFEST = "1-03-webapp-deployment.yaml"


def objects(namespace=None):
    where = ["-n", namespace] if namespace else []
    return kubectl("get", "all", "-o", "name", *where).split()


def test_a_second_run_changes_nothing(capsys):
    capsys.readouterr()
    workbook.begin(3)
    cluster = current()
    line = f"Notebook 03 can start on the cluster {cluster.name!r} ({cluster.provider})."
    assert capsys.readouterr().out.splitlines() == [line]


def test_leftovers_of_all_kinds_are_removed():
    workbook.apply(MANIFEST)
    kubectl("create", "deployment", "other", "--image=web-app:1.0")
    kubectl("create", "service", "clusterip", "left", "--tcp=80:80")
    kubectl("run", "alone", "--image=web-app:1.0", "--image-pull-policy=Never")
    workbook.begin(3)
    assert objects() == []


def test_images_are_those_of_the_notebook():
    workbook.begin(2)
    assert workbook.images().empty
    workbook.begin(3)
    assert list(workbook.images()["TAG"]) == ["1.0"]


@pytest.mark.same_image
def test_an_image_whose_source_has_changed_is_built_again(tmp_path, monkeypatch):
    shutil.copytree(catalog.APP, tmp_path / "app")
    source = tmp_path / "app/webapp/v1/app.py"
    source.write_text(source.read_text(encoding="utf-8").replace("Welcome!", "Hello!"), encoding="utf-8")
    with monkeypatch.context() as changed:
        changed.setattr(catalog, "APP", tmp_path / "app")
        workbook.begin(3)
        assert served() == "Hello!"
    workbook.begin(3)
    assert served() == "Welcome!"


def served():
    workbook.apply(MANIFEST)
    workbook.rollout_status("webapp-deployment")
    with workbook.port_forward("deployment/webapp-deployment", "0:5000") as forward:
        return workbook.page(forward.url).text


def test_no_such_notebook():
    with pytest.raises(WorkbookError, match="There is no notebook 77"):
        workbook.begin(77)


def test_a_damaged_kubeconfig_is_written_again():
    path = current().kubeconfig
    path.write_text(path.read_text(encoding="utf-8")[:100], encoding="utf-8")
    with pytest.raises(WorkbookError, match=r"not connected(.|\n)*begin"):
        workbook.pods()
    workbook.begin(3)
    assert kubeconfig.is_valid(current())
    assert workbook.pods().empty


def test_same_names_in_another_namespace_are_left_alone(tmp_path):
    (tmp_path / "webapp.yaml").write_text(changed({}), encoding="utf-8")
    kubectl("create", "namespace", "neighbour")
    try:
        kubectl("apply", "-n", "neighbour", "-f", str(tmp_path / "webapp.yaml"))
        workbook.apply(MANIFEST)
        before = objects("neighbour")
        workbook.begin(3)
        assert objects() == [] and objects("neighbour") == before != []
    finally:
        kubectl("delete", "namespace", "neighbour")


@pytest.mark.skipif(os.name == "nt", reason="needs a home folder made up for this test")
def test_the_users_kubeconfig_is_untouched_byte_for_byte(tmp_path):
    """A whole session with a kubeconfig that points at a production cluster: it is neither written nor used."""
    production = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "production",
        "clusters": [{"name": "production", "cluster": {"server": "https://production.invalid:6443"}}],
        "contexts": [{"name": "production", "context": {"cluster": "production", "user": "me"}}],
        "users": [{"name": "me", "user": {"token": "secret"}}],
    }
    (tmp_path / ".kube").mkdir()
    files = [tmp_path / ".kube/config", tmp_path / "other"]
    for file in files:
        file.write_text(yaml.safe_dump(production), encoding="utf-8")
    before = [(hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns) for file in files]
    session = (
        "from workbook import *; from workbook.lessons.kubectl import magic; begin(3);"
        f"apply('{MANIFEST}'); rollout_status('webapp-deployment'); print(pods());"
        "print(magic('config current-context')); stop(); start(); delete('deployment', 'webapp-deployment')"
    )
    env = {"HOME": str(tmp_path), "KUBECONFIG": str(files[1]), "WORKBOOK_HOME": str(home())}
    done = sessions.python("-c", session, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert current().context in done.stdout and "production" not in done.stdout
    assert before == [(hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns) for file in files]
    assert sorted(path.name for path in (tmp_path / ".kube").iterdir() if path.name != "cache") == ["config"]


@pytest.mark.parametrize("wait", ["true", "false"])
def test_a_namespace_that_was_deleted_comes_back(wait):
    workbook.apply(changed({}))
    kubectl("delete", "namespace", current().namespace, f"--wait={wait}")
    workbook.begin(3)
    assert objects() == []
    workbook.apply(MANIFEST)
    workbook.rollout_status("webapp-deployment")


def test_a_cluster_that_was_killed_starts_again():
    """As after a power failure, the node's container ends without notice, and the engine only reports it as stopped."""
    cluster = current()
    if cluster.provider != "kind":
        pytest.skip("the node of this provider is no container of this engine")
    workbook.apply(MANIFEST)
    workbook.rollout_status("webapp-deployment")
    cluster.node().kill()
    assert list(workbook.status()["STATUS"]) == ["Stopped"]
    workbook.begin(3)
    assert list(workbook.status()["STATUS"]) == ["Running"]
    assert objects() == []
