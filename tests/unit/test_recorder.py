"""The transitions that a recorder finds in Pods, and the recording of a cluster in the background."""

import pytest
from kubernetes.client.exceptions import ApiException

from tests.api_server import Server, listed, watched
from workbook import recorder
from workbook.base.errors import WorkbookError
from workbook.base.polling import poll
from workbook.lessons import recorder as module
from workbook.lessons.recorder import Recorder, Transition, state


def pod(name, *, phase="Running", ready=False, restarts=0, container=None, deleted=False):
    return {
        "metadata": {"name": name, **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleted else {})},
        "status": {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"restartCount": restarts, "state": container or {"running": {}}}],
        },
    }


def unscheduled(**more):
    """A Pod without a node; `more` are fields of its condition. The reason is optional."""
    conditions = [{"type": "PodScheduled", "status": "False", **more}]
    return {"metadata": {"name": "a"}, "status": {"phase": "Pending", "conditions": conditions}}


def several(reason, *, ready=False, runs=True):
    """A Pod with a container that has ended, and one that is ready as long as it runs."""
    shown = pod("a", ready=ready, container={"terminated": {"reason": reason}})
    shown["status"]["containerStatuses"].append({"restartCount": 0, "ready": runs, "state": {"running": {}}})
    return shown


@pytest.mark.parametrize(
    ("shown", "word"),
    [
        (pod("a", ready=True), "Ready"),
        (pod("a"), "Running"),
        (pod("a", phase="Pending", container={"waiting": {"reason": "ContainerCreating"}}), "ContainerCreating"),
        (pod("a", container={"waiting": {"reason": "CrashLoopBackOff"}}), "CrashLoopBackOff"),
        (pod("a", container={"terminated": {"reason": "Error", "exitCode": 1}}), "Error"),
        (pod("a", ready=True, deleted=True), "Terminating"),
        ({"metadata": {"name": "a"}, "status": {"phase": "Pending"}}, "Pending"),
        (unscheduled(reason="Unschedulable"), "Unschedulable"),
        (unscheduled(), "Pending"),
        ({"metadata": {"name": "a"}, "status": {"phase": "Failed", "reason": "Evicted"}}, "Evicted"),
        (several("Completed"), "NotReady"),
        (several("Completed", ready=True), "Ready"),
        (several("Completed", runs=False), "Completed"),
        (several("Error"), "Error"),
    ],
)
def test_state(shown, word):
    assert state(shown) == word


@pytest.fixture
def recorded():
    """One Pod restarts, and is then replaced by another."""
    recorder = Recorder()
    for shown in (
        {"1": pod("a", ready=True)},
        {"1": pod("a", ready=True)},
        {"1": pod("a", container={"terminated": {"reason": "Error"}})},
        {"1": pod("a", ready=True, restarts=1)},
        {
            "1": pod("a", restarts=1, deleted=True),
            "2": pod("b", phase="Pending", container={"waiting": {"reason": "ContainerCreating"}}),
        },
        {"1": pod("a", restarts=1, deleted=True), "2": pod("b", ready=True)},
        {"2": pod("b", ready=True)},
    ):
        recorder.note_pods(shown)
    recorder.rows = [row._replace(seconds=float(at)) for at, row in enumerate(recorder.rows)]
    recorder.length = 10.0
    return recorder


def test_transitions_in_order_without_inventions(recorded):
    rows = [tuple(row) for row in recorded.transitions().itertuples()]
    assert rows == [
        (1, "", "Ready", 0),
        (1, "Ready", "Ready", 1),
        (1, "Ready", "Terminating", 1),
        (2, "", "Ready", 0),
        (1, "Terminating", "Deleted", 1),
    ]
    assert "ContainerCreating" in recorded.transitions(wide=True)["TO"].tolist()


def test_when(recorded):
    assert recorded.when(1, "Ready") == 0 and recorded.when(1, "Ready", 2) == 2
    with pytest.raises(WorkbookError, match=r"Pod 2 in the state 'Error' 1 time"):
        recorded.when(2, "Error")


def test_counts_leave_out_what_is_on_its_way_out(recorded):
    assert recorded.counts()[["PODS", "READY"]].values.tolist() == [[1, 1], [1, 0], [1, 1], [0, 0], [1, 0], [1, 1]]


def test_a_pod_that_comes_before_its_predecessor_is_marked_for_deletion_is_not_desired():
    recorder = Recorder(desired=[(0.0, 1), (1.0, 2), (3.0, 1)])
    recorder.rows = [
        Transition(0.0, "a", "", "Ready", 0),
        Transition(2.0, "b", "", "Ready", 0),
        Transition(4.0, "c", "", "Pending", 0),  # the third before the first is marked
        Transition(5.0, "a", "Ready", "Terminating", 0),
    ]
    counts = recorder.counts()
    assert counts["DESIRED"].tolist() == [1, 2, 2, 1, 1, 1]
    assert counts["PODS"].max() == 3 and counts["DESIRED"].max() == 2


def test_counts_of_what_was_there_from_the_beginning_are_one_row():
    recorder = Recorder()
    recorder.note_pods({"1": pod("a", ready=True), "2": pod("b", ready=True), "3": pod("c")})
    assert recorder.counts()[["PODS", "READY"]].values.tolist() == [[3, 2]]


def test_a_recording_that_broke_off_says_so():
    with pytest.raises(WorkbookError, match=r"broke off(.|\n)*403"):
        Recorder(error="403 Forbidden").transitions()


@pytest.fixture
def server(monkeypatch):
    """An API server, with which the recorder is connected: a Pod becomes ready, and is scaled to two."""
    server = Server()
    monkeypatch.setattr(module, "api", lambda: server)
    return server


def object_(item, uid, version):
    """The object as in an API server."""
    return item | {"metadata": {**item["metadata"], "uid": uid, "resourceVersion": str(version)}}


def replicaset(uid, version, replicas):
    return object_({"metadata": {"name": uid}, "spec": {"replicas": replicas}}, uid, version)


def test_a_block_is_recorded_to_its_end(server, capsys):
    ready = object_(pod("a", ready=True), "1", 11)
    requests = server.serve(
        listed(10, object_(pod("a"), "1", 5)),
        watched(("MODIFIED", ready), delay=0.2),
        listed(12, ready, object_(pod("b"), "2", 12)),
    )
    server.serve(
        listed(10, replicaset("r", 5, 1)),
        listed(12, replicaset("r", 12, 1), replicaset("s", 12, 1)),
        resource="replicasets",
    )
    with recorder("app=webapp", verbose=True) as recorded:
        assert recorded.transitions()["TO"].tolist() == ["Running"], "it begins before the block"
        poll(lambda: len(recorded.rows) == 2, timeout=30)
        assert recorded.length == 0
    assert [row[1:] for row in recorded.rows] == [
        ("a", "", "Running", 0),
        ("a", "Running", "Ready", 0),
        ("b", "", "Running", 0),
    ]
    assert [total for _, total in recorded.desired] == [1, 2] and recorded.length >= recorded.rows[-1].seconds
    assert requests[0]["label_selector"] == "app=webapp"
    assert capsys.readouterr().out == "    0 s  a: Running\n    0 s  a: Running → Ready\n    0 s  b: Running\n"


def test_a_recording_that_the_api_server_refuses(server, capsys):
    server.serve(ApiException(status=403, reason="Forbidden"))
    server.serve(listed(10), resource="replicasets")
    with recorder("app=webapp") as recorded:
        pass
    with pytest.raises(WorkbookError, match=r"broke off(.|\n)*403(.|\n)*Forbidden"):
        recorded.counts()
    assert capsys.readouterr().out == ""
