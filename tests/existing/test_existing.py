"""The provider `existing`, on a second cluster that is reached by its context's name and a registry on the loopback."""

import hashlib
import os
import shutil
import subprocess
import time

import pytest
import yaml

import node
from tests import sessions
from workbook.base.labels import SELECTOR
from workbook.base.notebooks import find
from workbook.base.paths import ROOT
from workbook.base.polling import poll
from workbook.base.processes import run
from workbook.cluster.choose import clusters
from workbook.kube.kubectl import require_kubectl

pytestmark = pytest.mark.cluster
LEARNER, NAMESPACE = "workbook-existing", "learner-7"
BEGIN = """
import workbook
try: workbook.begin(0)
except workbook.base.errors.WorkbookError as error: print(error)
"""
NOTEBOOKS = [str(path.relative_to(ROOT)) for path in find(("02", "03", "04"))]


@pytest.fixture(scope="module")
def config(elsewhere, tmp_path_factory):
    """The kubeconfig by which a reader reaches the second cluster."""
    file = tmp_path_factory.mktemp("reader") / "config"
    file.write_text(run([node.kind(), "get", "kubeconfig", "--name", elsewhere.name]), encoding="utf-8")
    yield file
    shutil.rmtree(clusters() / LEARNER, ignore_errors=True)


def settings(context, kubeconfig, registry, namespace):
    """The settings for another administrator's cluster."""
    return {
        "KUBECONFIG": str(kubeconfig),
        "WORKBOOK_PROFILE": LEARNER,
        "WORKBOOK_CLUSTER": "existing",
        "WORKBOOK_CONTEXT": context,
        "WORKBOOK_NAMESPACE": namespace,
        "WORKBOOK_REGISTRY": registry,
    }


def test_notebooks_run_unchanged_in_one_namespace_of_it(elsewhere, config, registry):
    env = settings(elsewhere.context, config, registry, NAMESPACE)

    def kubectl(*words):
        own = {**os.environ, **env, "KUBECACHEDIR": f"{config}.cache"}
        done = subprocess.run(
            [require_kubectl(), *words], env=own, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    kubectl("apply", "-n", "default", "-f", "manifests/1-03-webapp-deployment.yaml")
    theirs = kubectl("get", "deployments,services", "-n", "default", "-o", "name")
    before = hashlib.sha256(config.read_bytes()).hexdigest()
    done = sessions.pytest(*NOTEBOOKS, **env)
    assert done.returncode == 0, done.stdout[-8000:]
    assert kubectl("get", "deployments", "-n", NAMESPACE, "-o", "name").split() == ["deployment.apps/webapp-deployment"]
    assert kubectl("get", "deployments,services", "-n", "default", "-o", "name") == theirs

    session = "from workbook.cluster.current import current; current().delete()"
    done = sessions.python("-c", session, **env)
    assert done.returncode == 0, done.stderr
    assert f"namespace/{NAMESPACE}" not in kubectl("get", "namespaces", "-o", "name").split()
    assert kubectl("get", "deployments,services", "-n", "default", "-o", "name") == theirs
    assert hashlib.sha256(config.read_bytes()).hexdigest() == before


def test_a_foreign_namespace_is_refused(elsewhere, config, registry):
    session = (
        "import workbook\n"
        "for call in (lambda: workbook.begin(0), lambda: workbook.begin(0), lambda: workbook.scale('a', 0)):\n"
        "    try: call()\n"
        "    except workbook.base.errors.WorkbookError as error: print(error.what)\n"
    )
    done = sessions.python("-c", session, **settings(elsewhere.context, config, registry, "default"))
    said = [line for line in done.stdout.splitlines() if "does not belong" in line or "not connected" in line]
    assert [line.partition(":")[0] for line in said[:2]] == [
        "The Namespace 'default' does not belong to the workbook"
    ] * 2
    assert "not connected" in said[2], done.stdout + done.stderr


@pytest.fixture
def guest(elsewhere, config, registry, tmp_path):
    """A user who has rights in one Namespace only: the user's settings, and the administrator's kubectl."""

    def kubectl(*words):
        env = {"KUBECONFIG": str(config), "KUBECACHEDIR": f"{config}.cache"}
        return run([*elsewhere.kubectl(), "--context", elsewhere.context, *words], env=env)

    kubectl("create", "namespace", "guests")
    kubectl("label", "namespace", "guests", SELECTOR)
    kubectl("create", "serviceaccount", "guest", "-n", "guests")
    kubectl("create", "rolebinding", "guest", "-n", "guests", "--clusterrole=edit", "--serviceaccount=guests:guest")
    whole = yaml.safe_load(config.read_text(encoding="utf-8"))
    whole["users"] = [{"name": "guest", "user": {"token": kubectl("create", "token", "guest", "-n", "guests").strip()}}]
    whole["contexts"] = [
        {"name": "guest", "context": {"cluster": whole["clusters"][0]["name"], "user": "guest", "namespace": "guests"}}
    ]
    own = tmp_path / "config"
    own.write_text(yaml.safe_dump(whole), encoding="utf-8")
    yield settings("guest", own, registry, "guests"), kubectl
    kubectl("delete", "namespace", "guests")


def test_a_user_without_enough_rights_gets_an_error_immediately(guest):
    env, kubectl = guest

    def told():
        begun = time.monotonic()
        done = sessions.python("-c", BEGIN, **env)
        assert time.monotonic() - begun < 60 and "make clean" not in done.stdout
        return done.stdout

    assert "Not allowed: list nodes, list namespaces." in told()
    kubectl("create", "clusterrolebinding", "guest", "--clusterrole=view", "--serviceaccount=guests:guest")
    try:
        assert "Not allowed: list nodes." in told()
    finally:
        kubectl("delete", "clusterrolebinding", "guest")
    kubectl("delete", "serviceaccount", "guest", "-n", "guests")
    # The API server remembers a token for some seconds.
    poll(lambda: "does not accept your login" in told(), timeout=60)
