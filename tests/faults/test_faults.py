"""Break something on purpose: the workbook must continue, or say clearly what is wrong. `make faults` runs all tests."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import workbook
from tests import sessions
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.cluster.current import current, select
from workbook.engine import daemon
from workbook.kube.client import Api
from workbook.lessons import prober as probing
from workbook.lessons.build import build
from workbook.lessons.kubectl import kubectl

pytestmark = pytest.mark.cluster
slow = pytest.mark.slow


def in_background(action, timeout=120):
    """Start `action` in a thread; return a function that waits for it and returns its result, or raises its error.

    The wait fails after `timeout` seconds.
    """
    result = {}

    def run():
        try:
            result["value"] = action()
        except BaseException as error:
            result["error"] = error

    thread = threading.Thread(target=run, daemon=True)  # one that never ends must not keep pytest from ending
    thread.start()

    def end():
        thread.join(timeout)
        assert not thread.is_alive(), f"The action still runs after {timeout} s."
        if "error" in result:
            raise result["error"]
        return result["value"]

    return end


# ---- the API server ----


@slow
def test_the_api_server_ends_while_a_recorder_and_a_wait_run(node, answering, outcome):
    with workbook.recorder("app=webapp") as recorded:
        waited = in_background(lambda: workbook.pods_ready("app=webapp", 2, timeout=90))
        node("pkill", "-9", "kube-apiserver")
        answering()
        workbook.scale("webapp-deployment", 2)
        waited()
    transitions = recorded.transitions()
    assert transitions.loc[[1], "TO"].tolist() == ["Ready"], "a transition of a Pod that did not change"
    assert transitions.loc[[2], "TO"].tolist()[-1] == "Ready"
    assert set(transitions["TO"]) <= {"Ready", "Running"}
    outcome("both go on; no transition is invented")


@slow
def test_a_pod_goes_while_the_api_server_restarts(node, answering, outcome):
    with workbook.recorder("app=webapp") as recorded:
        # A stopped process ends only with SIGKILL, after the grace period: here, while the API server restarts.
        node("pkill", "-STOP", "-f", "app.py")
        kubectl("delete", "pod", "-l", "app=webapp", "--wait=false", "--grace-period=2")
        node("pkill", "-9", "kube-apiserver")
        answering()
        workbook.pods_ready("app=webapp", 1, timeout=90)
    assert recorded.transitions().loc[[1], "TO"].tolist()[-1] == "Deleted"
    assert recorded.transitions().loc[[2], "TO"].tolist()[-1] == "Ready"
    outcome("its end is recorded, and its successor")


@slow
def test_the_api_server_is_silent_for_10_s_during_a_wait_a_watch_and_a_table(node, outcome):
    with workbook.recorder("app=webapp") as recorded:
        waited = in_background(lambda: workbook.pods_ready("app=webapp", 2, timeout=90))
        node("pkill", "-STOP", "kube-apiserver")
        try:
            table = in_background(lambda: (workbook.pods(), time.monotonic()))
            time.sleep(10)
            silent_until = time.monotonic()
        finally:
            node("pkill", "-CONT", "kube-apiserver")
        pods, shown = table()
        assert list(pods["READY"]) == ["1/1"] and shown > silent_until
        workbook.scale("webapp-deployment", 2)
        waited()
    assert sorted(set(recorded.transitions().index)) == [1, 2]
    outcome("the table comes late, wait and recorder go on")


@slow
def test_a_table_while_there_is_no_api_server(node, answering, outcome):
    node("mv", "/etc/kubernetes/manifests/kube-apiserver.yaml", "/etc/kubernetes/kube-apiserver.yaml")
    try:
        node("sh", "-c", "while pkill -9 kube-apiserver; do sleep 1; done; sleep 3; ! pgrep kube-apiserver")
        with pytest.raises(WorkbookError, match=r"API server(.|\n)*does not answer(.|\n)*begin") as said:
            workbook.pods()
    finally:
        node("mv", "/etc/kubernetes/kube-apiserver.yaml", "/etc/kubernetes/manifests/kube-apiserver.yaml")
        answering()
    outcome(said.value.what)


@slow
def test_410_gone(monkeypatch, outcome):
    """A watch from a version that the API server has discarded starts again with a list."""
    asked, answers = [], []
    original = Api.open_list

    def too_old(api, resource, namespace=None, **options):
        if options.get("watch") and not any(before.get("watch") for before in asked):
            options["resource_version"] = "1"
        asked.append(options)
        answers.append(original(api, resource, namespace, **options))
        return answers[-1]

    monkeypatch.setattr(Api, "open_list", too_old)
    waited = in_background(lambda: workbook.pods_ready("app=webapp", 2, timeout=60))
    workbook.scale("webapp-deployment", 2)
    waited()
    lists = [options for options in asked if not options.get("watch")]
    assert len(lists) >= 2, "the watch did not start again"
    outcome("listed again, and the wait ends well")


# ---- Pods ----


@slow
def test_a_kernel_is_killed_with_forwarding_recorder_and_prober_open(outcome):
    code = (
        "import workbook, time\n"
        "with workbook.port_forward('deployment/webapp-deployment', '0:5000') as forward, "
        "workbook.recorder('app=webapp'), workbook.prober('webservice'):\n"
        "    print(forward.port, flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    port = next(int(line) for line in process.stdout if line.strip().isdigit())  # after the printed commands
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert sessions.orphans(process.pid) == []
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    assert not workbook.pods(selector=f"run={probing.NAME}").empty
    workbook.begin(5)
    assert workbook.pods(selector=f"run={probing.NAME}").empty
    outcome("no process is left; the prober's Pod goes with the next begin")


# ---- engine, node, machine ----


@slow
def test_the_engine_is_restarted(session, outcome):
    if not (daemon.folder() / "dockerd.pid").exists():
        pytest.skip("this machine's Docker engine is not the workbook's to restart")
    daemon.stop()
    said = session("import workbook; workbook.begin(5); print(workbook.pods().to_dict('list'))")
    assert "'READY': ['1/1']" in said
    outcome("begin starts the engine and the cluster again")


@slow
def test_the_node_is_stopped_and_started(node, outcome):
    node.container.restart()
    workbook.begin(5)
    assert list(workbook.pods()["READY"]) == ["1/1"]
    outcome("begin waits until Kubernetes is back")


@slow
def test_the_nodes_disk_is_full(node, outcome):
    """The folder for the node's images has space for one megabyte only."""
    place = "/var/lib/containerd/io.containerd.content.v1.content"
    current().remove("web-app:1.0")
    node("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place)
    try:
        node("mkdir", "-p", f"{place}/ingest", f"{place}/blobs/sha256")
        with pytest.raises(WorkbookError, match=r"disk is full(.|\n)*no space left(.|\n)*docker system prune") as said:
            build("web-app:1.0", log=False)
    finally:
        node("umount", place)
    workbook.begin(5)
    assert list(workbook.pods()["READY"]) == ["1/1"]
    outcome(said.value.what)


@slow
def test_two_workbooks_at_once(session, outcome):
    both = [
        in_background(lambda number=number: session(f"import workbook; workbook.begin({number})"), timeout=1000)
        for number in (3, 5)
    ]
    assert all("can start" in end() for end in both)
    outcome("one after the other")


@slow
def test_the_clusters_dns_is_broken(outcome):
    kubectl("scale", "deployment", "coredns", "--namespace=kube-system", "--replicas=0")
    try:
        kubectl("wait", "pods", "--namespace=kube-system", "-l", "k8s-app=kube-dns", "--for=delete", "--timeout=60s")
        with pytest.raises(WorkbookError, match=r"no answer at(.|\n)*name resolution(.|\n)*kube-dns") as said:
            workbook.page("http://webservice", inside="deployment/webapp-deployment", timeout=5)
        with pytest.raises(WorkbookError, match=r"name server .* does not answer(.|\n)*kube-dns"):
            workbook.dns_lookup("webservice", target="deployment/webapp-deployment")
    finally:
        kubectl("scale", "deployment", "coredns", "--namespace=kube-system", "--replicas=2")
        kubectl("rollout", "status", "deployment", "coredns", "--namespace=kube-system", "--timeout=60s")
    outcome(said.value.fix)


@slow
def test_proxy_variables_point_to_nowhere(session, outcome):
    nowhere = "http://127.0.0.1:9"
    said = session(
        "import workbook; workbook.begin(5); workbook.scale('webapp-deployment', 2);"
        "workbook.rollout_status('webapp-deployment')\n"
        "with workbook.port_forward('service/webservice', '0:80') as forward: print(workbook.page(forward.url))\n"
        "with workbook.recorder('app=webapp') as recorded: pass\n"
        "print(recorded.transitions())",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"), nowhere),
    )
    assert "Welcome!" in said
    outcome("nothing of the cluster goes through a proxy")


# ---- two nodes ----

BEGIN = "import workbook; workbook.begin(15); print(workbook.nodes()['STATUS'].tolist())"


@pytest.fixture
def two():
    """The cluster with two nodes, which does not exist at first, and is deleted at the end."""
    workbook.delete_cluster(nodes=2)
    yield current()
    workbook.delete_cluster(nodes=2)
    select(1)


@slow
def test_a_kernel_ends_while_a_node_is_off(two, session, outcome):
    session(f"{BEGIN}; workbook.stop_node(workbook.nodes().index[1])")
    assert two.status() == "Stopped"  # Kubernetes has not noticed the loss yet
    assert "['Ready', 'Ready']" in session(BEGIN)
    assert two.status() == "Running"
    outcome("`begin` starts the node again")


@slow
def test_a_cluster_with_two_nodes_is_stopped_and_started(two, session, outcome):
    session(BEGIN)
    two.stop()
    assert two.status() == "Stopped"
    assert "['Ready', 'Ready']" in session(BEGIN)
    outcome("`begin` starts both nodes again")


@slow
def test_the_creation_of_two_nodes_is_interrupted(two, session, outcome):
    if two.provider != "kind":
        pytest.skip("this provider shows its nodes only when they are ready")
    process = subprocess.Popen([sys.executable, "-c", BEGIN], cwd=ROOT, start_new_session=True)
    while len(two.nodes()) < 2:
        assert process.poll() is None
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert "['Ready', 'Ready']" in session(BEGIN)
    outcome("`begin` replaces the nodes by new ones")
