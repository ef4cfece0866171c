"""The live table, with an API server that answers with prepared lists and watches."""

import pytest
from IPython import display
from kubernetes.client.exceptions import ApiException

from tests.api_server import Server, listed, pod, watched
from workbook import watch
from workbook.base.polling import poll
from workbook.lessons import watch as module


class Handle:
    """A notebook's output: its texts, in order."""

    texts: list

    def display(self, data, raw):
        type(self).texts = [data["text/plain"]]

    def update(self, data, raw):
        self.texts.append(data["text/plain"])


@pytest.fixture
def server(monkeypatch):
    """An API server, with which the live table is connected. It has no Deployments and ReplicaSets unless prepared."""
    server = Server()
    monkeypatch.setattr(module, "api", lambda: server)
    monkeypatch.setattr(display, "DisplayHandle", Handle)
    for resource in ("deployments", "replicasets", "pods"):
        server.serve(listed(10), listed(10), resource=resource)
    return server


def rows(server, resource, item):
    """The table's rows, without KIND and NAME, for one object."""
    server.serve(listed(10, item), listed(10, item), resource=resource)
    view = watch()
    view.stop()
    return view.table()[["READY", "STATUS", "RESTARTS"]].values.tolist()


def ready(name, version, status="True", **more):
    item = pod(f"{name}-abc", version, "Running", conditions=[{"type": "Ready", "status": status}], **more)
    item["metadata"]["generateName"] = f"{name}-"
    return item


def scaled(wanted, **status):
    metadata = {"name": "web", "uid": "web", "resourceVersion": "5"}
    return {"metadata": metadata, "spec": {"replicas": wanted}, "status": status}


def test_a_mark_for_each_pod(server):
    assert rows(server, "deployments", scaled(3, replicas=3, readyReplicas=2)) == [["●●○", "2 of 3 ready", ""]]
    server.serve(listed(10), listed(10), resource="deployments")
    assert rows(server, "pods", ready("a", 5)) == [["●", "Ready", "0"]]
    server.serve(listed(10), listed(10), resource="deployments")
    waiting = [{"restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    assert rows(server, "pods", ready("a", 5, "False", containerStatuses=waiting)) == [["○", "CrashLoopBackOff", "2"]]


def test_while_it_shrinks_the_pods_that_end_are_shown(server):
    assert rows(server, "deployments", scaled(1, replicas=2, readyReplicas=1)) == [["●○", "1 of 1 ready", ""]]


def test_a_replicaset_of_the_past_is_left_out(server):
    assert rows(server, "replicasets", scaled(0, replicas=0)) == []


def test_it_shows_changes_until_it_is_stopped(server):
    change = watched(("MODIFIED", ready("b", 11)), delay=0.3)
    server.serve(listed(10, ready("b", 5, "False")), change, listed(12, ready("a", 12)))
    view = watch()
    assert Handle.texts[0].splitlines()[0] == "live" and "Running" in Handle.texts[0]
    poll(lambda: "Ready" in Handle.texts[-1].splitlines()[-1], timeout=5)
    view.stop()
    assert [line.split() for line in Handle.texts[-1].splitlines()] == [
        ["as", "it", "was", "at", "the", "end"],
        ["KIND", "NAME", "READY", "STATUS", "RESTARTS"],
        ["Pod", "a-*", "●", "Ready", "0"],
    ]


def test_it_says_when_the_api_server_refuses(server):
    server.serve(ApiException(status=403, reason="Forbidden"))
    view = watch()
    poll(lambda: "no longer updated: (403)" in Handle.texts[-1], timeout=5)
    view.stop()


def test_an_error_with_markup_in_it_is_shown_as_text(server):
    view = module.View(1)
    view.error = "<script>alert(1)</script>"
    shown = view._rendered()["text/html"]
    assert "<script>" not in shown and "&lt;script&gt;" in shown
