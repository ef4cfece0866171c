"""The error for a cluster that started, but does not become ready."""

import json
from types import SimpleNamespace

import pytest
from kubernetes.client.exceptions import ApiException

from workbook.base.errors import WorkbookError
from workbook.base.labels import MANAGED
from workbook.cluster import ready
from workbook.cluster.choose import Provider


def pod(name: str, good: bool, *, waiting: str = "", start: str = "2026-11-23T20:00:00Z") -> dict:
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {"startedAt": start}}
    return {
        "metadata": {"name": name, "namespace": "kube-system"},
        "status": {
            "conditions": [{"type": "Ready", "status": str(good)}],
            "containerStatuses": [{"state": state, "restartCount": 0}],
        },
    }


class Api:
    """The API server of a cluster whose Pods never become ready, with the last lines of their logs."""

    namespace = "workbook"

    def __init__(self, pods: list[dict], logs: dict[str, str]) -> None:
        self.pods, self.logs = pods, logs

    def path(self, resource, namespace=None, name=""):
        return f"/{namespace}/{resource}/{name}"

    def find(self, resource, name):
        return {"metadata": {"name": name, "labels": MANAGED}}

    def objects(self, resource, namespace=None, **options):
        return self.pods if resource == "pods" else [{"metadata": {"name": "default"}}]

    def request(self, method, path, **options):
        name = path.split("/")[-2]
        if name not in self.logs:
            raise ApiException(400, "ContainerCreating")
        return SimpleNamespace(data=self.logs[name].encode())

    def open_list(self, resource, namespace=None, **options):
        if "watch" in options:
            return SimpleNamespace(stream=lambda **_: iter(()), close=lambda: None)
        for item in (items := self.objects(resource)):
            item["metadata"]["uid"] = item["metadata"]["name"]
        return SimpleNamespace(data=json.dumps({"metadata": {"resourceVersion": "1"}, "items": items}).encode())


def timed_out(
    pods: list[dict], logs: dict[str, str], started: str = "", provider: Provider = Provider.KIND
) -> WorkbookError:
    cluster = SimpleNamespace(provider=provider, namespace="workbook", started=lambda: started)
    with pytest.raises(WorkbookError, match=r"waiting for the Pods of kube-system") as caught:
        ready.settle(cluster, Api(pods, logs), timeout=0.1)
    return caught.value


def test_only_pods_that_are_not_ready_are_named_with_what_they_said():
    error = timed_out(
        [pod("etcd", True), pod("coredns", False), pod("proxy", False, waiting="CrashLoopBackOff")],
        {"etcd": "all well", "proxy": "no such table\n"},
    )
    assert error.why == "coredns: not ready\nproxy: CrashLoopBackOff; last line of its log: no such table"
    assert "make clean" in error.fix


def test_too_few_inotify_instances_are_recognized_and_the_setting_is_named():
    error = timed_out(
        [pod("proxy", False, waiting="CrashLoopBackOff")], {"proxy": "failed complete: too many open files"}
    )
    assert "fs.inotify.max_user_instances" in error.fix


@pytest.mark.parametrize("provider", [Provider.KIND, Provider.MINIKUBE])
def test_a_status_from_before_the_nodes_start_does_not_count(provider):
    """After a restart, the API server still reports the old state; etcd has started since, but CoreDNS has not."""
    pods = [pod("etcd", True, start="2026-11-23T20:00:07Z"), pod("coredns", True, start="2026-11-23T20:00:06Z")]
    error = timed_out(pods, {"coredns": "from before"}, "2026-11-23T20:00:07Z", provider)
    assert error.why == "coredns: not ready; last line of its log: from before"
    pods[1] = pod("coredns", True, start="2026-11-23T20:00:19Z")
    cluster = SimpleNamespace(provider=provider, namespace="workbook", started=lambda: "2026-11-23T20:00:07Z")
    ready.settle(cluster, Api(pods, {}), timeout=0.1)


def test_an_init_container_that_has_ended_is_no_status_from_before():
    """As in the Pods of network plugins: flannel, Calico, Cilium."""
    network = pod("network", True, start="2026-11-23T20:00:09Z")
    network["status"]["initContainerStatuses"] = [{"state": {"terminated": {"exitCode": 0}}, "restartCount": 0}]
    cluster = SimpleNamespace(provider=Provider.KIND, namespace="workbook", started=lambda: "2026-11-23T20:00:07Z")
    ready.settle(cluster, Api([network], {}), timeout=0.1)
    network["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = "2026-11-23T20:00:06Z"
    assert "network: not ready" in timed_out([network], {}, "2026-11-23T20:00:07Z").why
