"""The live overview, with an API server that answers with prepared lists and watches."""

import pytest
from IPython import display
from kubernetes.client.exceptions import ApiException

from tests.api_server import Server, listed, pod, watched
from workbook import watch
from workbook.base.polling import poll
from workbook.lessons import watch as module
from workbook.lessons.overview import RESOURCES


class Handle:
    """A notebook's output: its texts, in order."""

    texts: list

    def display(self, data, raw):
        type(self).texts = [data["text/plain"]]

    def update(self, data, raw):
        self.texts.append(data["text/plain"])


@pytest.fixture
def server(monkeypatch):
    """An API server, with which the live overview is connected. The namespace is empty unless prepared."""
    server = Server()
    monkeypatch.setattr(module, "api", lambda: server)
    monkeypatch.setattr(display, "DisplayHandle", Handle)
    for resource in RESOURCES:
        server.serve(listed(10), listed(10), resource=resource)
    return server


def ready(name, version, status="True", **more):
    item = pod(f"{name}-abc", version, "Running", conditions=[{"type": "Ready", "status": status}], **more)
    item["metadata"]["generateName"] = f"{name}-"
    return {**item, "spec": {"containers": [{"image": "web-app:1.0"}]}}


def test_it_shows_changes_until_it_is_stopped(server):
    change = watched(("MODIFIED", ready("b", 11)), delay=0.3)
    server.serve(listed(10, ready("b", 5, "False")), change, listed(12, ready("a", 12)))
    view = watch()
    assert Handle.texts[0].splitlines() == ["live", "$ kubectl get all", "Pod b-*: running, not ready, web-app:1.0"]
    poll(lambda: "Pod b-*: ready" in Handle.texts[-1], timeout=30)
    view.stop()
    assert Handle.texts[-1].splitlines() == ["as it was at the end", "$ kubectl get all", "Pod a-*: ready, web-app:1.0"]
    assert view.overview().text == "Pod a-*: ready, web-app:1.0"


def test_an_owner_that_has_not_been_seen_yet_is_left_out(server):
    owned = ready("a", 5)
    owned["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "a", "uid": "replicaset"}]
    server.serve(listed(10, owned), listed(10, owned))
    view = watch()
    view.stop()
    assert view.overview().text == "Pod a-*: ready, web-app:1.0"


def test_it_says_when_the_api_server_refuses(server):
    server.serve(ApiException(status=403, reason="Forbidden"))
    view = watch()
    poll(lambda: "no longer updated: (403)" in Handle.texts[-1], timeout=30)
    view.stop()


def test_an_error_with_markup_in_it_is_shown_as_text(server):
    view = module.View(1)
    view.error = "<script>alert(1)</script>"
    shown = view._rendered()["text/html"]
    assert "<script>" not in shown and "&lt;script&gt;" in shown
