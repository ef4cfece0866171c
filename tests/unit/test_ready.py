"""What is told of a cluster that started, and does not get ready."""

from types import SimpleNamespace

import pytest

from workbook.base.errors import WorkbookError
from workbook.cluster import ready


def pod(name: str, good: bool, *, waiting: str = "") -> dict:
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    return {
        "metadata": {"name": name, "namespace": "kube-system"},
        "status": {
            "conditions": [{"type": "Ready", "status": str(good)}],
            "containerStatuses": [{"state": state, "restartCount": 0}],
        },
    }


@pytest.fixture
def cluster(monkeypatch):
    """A cluster whose Pods never get ready, and the last lines they have said."""

    def serve(pods: list[dict], said: dict[str, str]) -> None:
        def request(method, path, **options):
            name = path.split("/")[-2]
            if name not in said:
                raise ready.ApiException(400, "ContainerCreating")
            return SimpleNamespace(data=said[name].encode())

        monkeypatch.setattr(ready, "request", request)
        monkeypatch.setattr(ready, "follow", lambda *_, **__: iter([{one["metadata"]["name"]: one for one in pods}]))

    return serve


def in_vain() -> WorkbookError:
    with pytest.raises(WorkbookError) as caught:
        ready._until("pods", "kube-system", lambda pods: False, "the Pods of kube-system", api=None, timeout=1)
    return caught.value


def test_only_pods_that_are_not_ready_are_named_with_what_they_said(cluster):
    cluster(
        [pod("etcd", True), pod("coredns", False), pod("proxy", False, waiting="CrashLoopBackOff")],
        {"etcd": "all well", "proxy": "no such table\n"},
    )
    error = in_vain()
    assert error.why == "coredns: not ready\nproxy: CrashLoopBackOff; its last line: no such table"
    assert "make clean" in error.fix


def test_too_few_inotify_instances_are_recognized_and_the_setting_is_named(cluster):
    cluster([pod("proxy", False, waiting="CrashLoopBackOff")], {"proxy": "failed complete: too many open files"})
    assert "fs.inotify.max_user_instances" in in_vain().fix
