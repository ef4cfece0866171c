"""The provider `existing`, on a second cluster that is reached by its context's name and a registry on the loopback."""

import contextlib
import hashlib
import os
import platform
import select
import shutil
import socket
import subprocess
import threading
import time

import pytest
import yaml

import node
from tests import sessions
from workbook import cluster
from workbook.cluster import kind
from workbook.commands import run
from workbook.notebooks import find
from workbook.paths import ROOT

pytestmark = pytest.mark.cluster
NAME, LEARNER, NAMESPACE = "workbook-elsewhere", "workbook-existing", "learner-7"
NOTEBOOKS = [str(path.relative_to(ROOT)) for path in find(("02", "03", "04"))]


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Debian's docker-registry on the loopback: its `host:port`."""
    if not shutil.which("docker-registry"):
        if platform.system() != "Linux" or os.geteuid() != 0 or not shutil.which("apt-get"):
            pytest.skip("there is no docker-registry, and it cannot be installed here")
        run(["apt-get", "install", "-y", "-q", "docker-registry"], env={"DEBIAN_FRONTEND": "noninteractive"})
    folder = tmp_path_factory.mktemp("registry")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (folder / "registry.yaml").write_text(yaml.safe_dump(settings))
    server = subprocess.Popen(
        ["docker-registry", "serve", folder / "registry.yaml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert time.monotonic() < deadline, "docker-registry does not listen"
        time.sleep(0.1)
    yield f"localhost:{port}"
    server.kill()
    server.wait()


def relay(listener: socket.socket, port: int) -> None:
    """Carries each connection on to this machine's loopback, which a node cannot reach by itself."""
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=carry, args=(near, socket.create_connection(("127.0.0.1", port))), daemon=True).start()


def carry(near: socket.socket, far: socket.socket) -> None:
    with near, far, contextlib.suppress(OSError):
        while True:
            for side in select.select([near, far], [], [])[0]:
                data = side.recv(65536)
                if not data:
                    return
                (far if side is near else near).sendall(data)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory, registry):
    """A cluster that is somebody else's, whose nodes know the registry; the kubeconfig that reaches it."""
    if cluster.current().provider != "kind":
        pytest.skip("the second cluster is a kind cluster")
    other = kind.provider(NAME)
    other.start()
    try:
        gateway = next(iter(other._node().attrs["NetworkSettings"]["Networks"].values()))["Gateway"]
        with socket.create_server((gateway, 0)) as listener:
            threading.Thread(target=relay, args=(listener, int(registry.rpartition(":")[2])), daemon=True).start()
            mirror = f'[host."http://{gateway}:{listener.getsockname()[1]}"]\n'
            folder = f"/etc/containerd/certs.d/{registry}"
            script = f"mkdir -p {folder} && printf '%s' '{mirror}' > {folder}/hosts.toml"
            assert other._node().exec_run(["sh", "-c", script]).exit_code == 0
            config = tmp_path_factory.mktemp("reader") / "config"
            config.write_text(run([node.kind(), "get", "kubeconfig", "--name", NAME]))
            yield config
    finally:
        other.delete()
        for name in (NAME, LEARNER):
            shutil.rmtree(cluster.folder(name), ignore_errors=True)


def settings(kubeconfig, registry, namespace):
    """What a reader of somebody else's cluster sets."""
    return {
        "KUBECONFIG": str(kubeconfig),
        "WORKBOOK_PROFILE": LEARNER,
        "WORKBOOK_CLUSTER": "existing",
        "WORKBOOK_CONTEXT": f"kind-{NAME}",
        "WORKBOOK_NAMESPACE": namespace,
        "WORKBOOK_REGISTRY": registry,
    }


def test_notebooks_run_unchanged_in_one_namespace_of_it(elsewhere, registry):
    path = os.pathsep.join([str(node.kubectl().parent)] * bool(node.kubectl()) + [os.environ["PATH"]])
    env = {"PATH": path, **settings(elsewhere, registry, NAMESPACE)}

    def kubectl(*words):
        done = subprocess.run(["kubectl", *words], env={**os.environ, **env}, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    kubectl("apply", "-n", "default", "-f", "manifests/1-03-webapp-deployment.yaml")
    theirs = kubectl("get", "deployments,services", "-n", "default", "-o", "name")
    before = hashlib.sha256(elsewhere.read_bytes()).hexdigest()
    done = sessions.pytest(*NOTEBOOKS, **env)
    assert done.returncode == 0, done.stdout[-8000:]
    assert kubectl("get", "deployments", "-n", NAMESPACE, "-o", "name").split() == ["deployment.apps/webapp-deployment"]
    assert kubectl("get", "deployments,services", "-n", "default", "-o", "name") == theirs

    session = "from workbook import cluster; cluster.current().delete()"
    done = sessions.python("-c", session, **env)
    assert done.returncode == 0, done.stderr
    assert f"namespace/{NAMESPACE}" not in kubectl("get", "namespaces", "-o", "name").split()
    assert kubectl("get", "deployments,services", "-n", "default", "-o", "name") == theirs
    assert hashlib.sha256(elsewhere.read_bytes()).hexdigest() == before


def test_a_namespace_that_is_somebody_elses_is_refused(elsewhere, registry):
    session = (
        "import workbook\n"
        "for call in (lambda: workbook.begin(0), lambda: workbook.begin(0), lambda: workbook.scale('a', 0)):\n"
        "    try: call()\n"
        "    except workbook.errors.WorkbookError as error: print(error.what)\n"
    )
    done = sessions.python("-c", session, **settings(elsewhere, registry, "default"))
    said = [line for line in done.stdout.splitlines() if "somebody else's" in line or "not connected" in line]
    assert [line.partition(":")[0] for line in said[:2]] == ["The Namespace 'default' is somebody else's"] * 2
    assert "not connected" in said[2], done.stdout + done.stderr
