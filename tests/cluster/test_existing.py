"""The provider `existing`, on a second cluster that is reached by its context's name and a registry on the loopback."""

import hashlib
import os
import shutil
import subprocess

import pytest

import node
from tests import sessions
from workbook.base.notebooks import find
from workbook.base.paths import ROOT
from workbook.base.processes import run
from workbook.cluster.choose import clusters

pytestmark = pytest.mark.cluster
LEARNER, NAMESPACE = "workbook-existing", "learner-7"
NOTEBOOKS = [str(path.relative_to(ROOT)) for path in find(("02", "03", "04"))]


@pytest.fixture(scope="module")
def config(elsewhere, tmp_path_factory):
    """The kubeconfig by which a reader reaches the second cluster."""
    file = tmp_path_factory.mktemp("reader") / "config"
    file.write_text(run([node.kind(), "get", "kubeconfig", "--name", elsewhere.name]))
    yield file
    shutil.rmtree(clusters() / LEARNER, ignore_errors=True)


def settings(context, kubeconfig, registry, namespace):
    """What a reader of somebody else's cluster sets."""
    return {
        "KUBECONFIG": str(kubeconfig),
        "WORKBOOK_PROFILE": LEARNER,
        "WORKBOOK_CLUSTER": "existing",
        "WORKBOOK_CONTEXT": context,
        "WORKBOOK_NAMESPACE": namespace,
        "WORKBOOK_REGISTRY": registry,
    }


def test_notebooks_run_unchanged_in_one_namespace_of_it(elsewhere, config, registry):
    path = os.pathsep.join([str(node.kubectl().parent)] * bool(node.kubectl()) + [os.environ["PATH"]])
    env = {"PATH": path, **settings(elsewhere.context, config, registry, NAMESPACE)}

    def kubectl(*words):
        own = {**os.environ, **env, "KUBECACHEDIR": f"{config}.cache"}
        done = subprocess.run(["kubectl", *words], env=own, cwd=ROOT, capture_output=True, text=True)
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


def test_a_namespace_that_is_somebody_elses_is_refused(elsewhere, config, registry):
    session = (
        "import workbook\n"
        "for call in (lambda: workbook.begin(0), lambda: workbook.begin(0), lambda: workbook.scale('a', 0)):\n"
        "    try: call()\n"
        "    except workbook.base.errors.WorkbookError as error: print(error.what)\n"
    )
    done = sessions.python("-c", session, **settings(elsewhere.context, config, registry, "default"))
    said = [line for line in done.stdout.splitlines() if "somebody else's" in line or "not connected" in line]
    assert [line.partition(":")[0] for line in said[:2]] == ["The Namespace 'default' is somebody else's"] * 2
    assert "not connected" in said[2], done.stdout + done.stderr
