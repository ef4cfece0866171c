"""Waits with an API server that answers with prepared lists and watches."""

import time

import pytest

from tests.api_server import Server, listed, pod, watched
from workbook import endpoints, gone, pods_ready, restarted, rollout_status, wait_for, waiting_for
from workbook.base.errors import WorkbookError
from workbook.diagnosis.findings import Diagnosis, Finding
from workbook.lessons import wait as module
from workbook.lessons.wait import WaitTimeout, patience

FINDING = Finding("Pod webapp-1", "Unhealthy", "Its probe fails.", "Correct the probe.")


@pytest.fixture
def server(monkeypatch):
    """An API server, with which the waits are connected; diagnoses find nothing wrong."""
    server = Server()
    monkeypatch.setattr(module, "api", lambda: server)
    monkeypatch.setattr(module, "diagnose", lambda *args, **options: Diagnosis())
    monkeypatch.delenv("WORKBOOK_PATIENCE", raising=False)
    return server


def ready(name, version, status="True", **more):
    return pod(name, version, "Running", conditions=[{"type": "Ready", "status": status}], **more)


def deployment(version, **status):
    return {
        "metadata": {"name": "webapp", "uid": "webapp", "generation": 2, "resourceVersion": str(version)},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "webapp"}}},
        "status": {"observedGeneration": 2, **status},
    }


DONE = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


def test_a_wait_ends_as_soon_as_it_is_met(server):
    server.serve(
        listed(10, pod("a", 5)), watched(("MODIFIED", pod("a", 11, "Running")), ("MODIFIED", pod("a", 12, "Failed")))
    )
    found = wait_for("pods", lambda pods: "" if pods[0]["status"]["phase"] == "Running" else "pending", what="it")
    assert found[0]["metadata"]["resourceVersion"] == "11"


def test_a_wait_says_what_was_missing(server):
    server.serve(listed(10, pod("a", 5)))
    with pytest.raises(WaitTimeout, match="Timed out after 0 s waiting for the Pod: still pending") as error:
        wait_for("pods", lambda pods: "still pending", what="the Pod", timeout=0.05)
    assert error.value.why == "" and "`events(…, wide=True)`" in error.value.fix


def test_a_wait_says_why(server, monkeypatch):
    examined = []
    monkeypatch.setattr(
        module, "diagnose", lambda *args, **options: examined.append((args, options)) or Diagnosis([FINDING])
    )
    server.serve(listed(10, pod("a", 5)))
    with pytest.raises(WaitTimeout) as error:
        pods_ready("app=webapp", 2, timeout=0.05)
    assert str(error.value) == (
        "Timed out after 0 s waiting for 2 ready Pod(s) with app=webapp: 0 ready, 1 not ready.\n"
        "Why: Pod webapp-1: Unhealthy. Its probe fails.\n"
        "Do:  Correct the probe."
    )
    assert examined == [(("app=webapp",), {"wide": True})]


def test_an_error_of_a_condition_ends_the_wait(server):
    def fail(pods):
        raise LookupError("it cannot succeed")

    server.serve(listed(10))
    with pytest.raises(LookupError, match="cannot succeed"):
        wait_for("pods", fail, what="it")


def test_a_timeout_is_a_timeout_error_with_its_text():
    error = WaitTimeout("Timed out.", "It is slow.", "Wait.")
    assert isinstance(error, WorkbookError) and isinstance(error, TimeoutError)
    assert (error.what, error.why, error.fix) == ("Timed out.", "It is slow.", "Wait.")
    assert str(error) == "Timed out.\nWhy: It is slow.\nDo:  Wait." == error.args[0]


def test_patience_multiplies_timeouts(server, monkeypatch):
    monkeypatch.setenv("WORKBOOK_PATIENCE", "3")
    server.serve(listed(10))
    begun = time.monotonic()
    with pytest.raises(WaitTimeout, match="Timed out after 1 s"):
        wait_for("pods", lambda pods: "nothing", what="it", timeout=0.2)
    assert 0.5 < time.monotonic() - begun < 20


@pytest.mark.parametrize("value", ["0", "-1", "much", ""])
def test_patience_is_a_number_above_0(monkeypatch, value):
    monkeypatch.setenv("WORKBOOK_PATIENCE", value)
    with pytest.raises(WorkbookError, match=f"WORKBOOK_PATIENCE is '{value}', which is not a number above 0"):
        patience()


def test_pods_ready_counts_exactly(server):
    deleted = ready("c", 6)
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    server.serve(
        listed(10, ready("a", 5), deleted),
        watched(("MODIFIED", ready("b", 11, "False")), ("DELETED", deleted), ("MODIFIED", ready("b", 13))),
    )
    pods_ready("app=webapp", 2, timeout=60)


def test_waiting_for_returns_the_message(server):
    waiting = [{"state": {"waiting": {"reason": "ErrImageNeverPull", "message": "not present"}}}]
    server.serve(listed(10, pod("a", 5)), watched(("MODIFIED", pod("a", 11, containerStatuses=waiting))))
    assert repr(waiting_for("app=webapp", "ErrImageNeverPull", timeout=60)) == "not present"
    unscheduled = {"type": "PodScheduled", "status": "False"}  # the reason is optional
    server.serve(listed(10, pod("a", 5, containerStatuses=waiting, conditions=[unscheduled])))
    with pytest.raises(WaitTimeout, match=r"a Pod to report Unschedulable: none of 1 Pod\(s\) does"):
        waiting_for("app=webapp", "Unschedulable", timeout=0.05)


def test_where_images_come_from_a_registry_no_pod_waits_for_an_image_that_is_never_pulled(server, monkeypatch):
    monkeypatch.setenv("WORKBOOK_CLUSTER", "existing")
    begun = time.monotonic()
    with pytest.raises(WorkbookError, match="pull the images from a registry"):
        waiting_for("app=webapp", "ErrImageNeverPull", timeout=60)
    assert time.monotonic() - begun < 10


def test_restarted_counts_restarts(server):
    def restarts(version, count):
        return pod("a", version, containerStatuses=[{"restartCount": count}])

    server.serve(listed(10, restarts(5, 0)), watched(("MODIFIED", restarts(11, 1)), ("MODIFIED", restarts(12, 2))))
    restarted("app=webapp", 2, timeout=60)
    server.serve(listed(10, restarts(5, 1)))
    with pytest.raises(WaitTimeout, match=r"2 restart\(s\) of app=webapp: 1 so far, with 1 Pod\(s\)"):
        restarted("app=webapp", 2, timeout=0.05)


def test_gone_waits_for_the_end_of_each_object(server):
    server.serve(listed(10, pod("a", 5)), watched(("DELETED", pod("a", 11))))
    gone("pods", timeout=60)
    server.serve(listed(10, pod("a", 5), pod("b", 6)))
    with pytest.raises(WaitTimeout, match="waiting for the deletion of the pods app=webapp: 2 still exist"):
        gone("pods", "app=webapp", timeout=0.05)


class TestEndpoints:
    """A function that waits for the endpoints of a Service."""

    def slice(self, *endpoints):
        metadata = {"name": "web-1", "uid": "web-1", "resourceVersion": "5"}
        return listed(10, {"metadata": metadata, "endpoints": [*endpoints]})

    def test_ready_addresses_are_returned_sorted(self, server):
        # kube-proxy only looks at the first address of an endpoint
        addresses = [
            {"addresses": ["10.0.0.9", "10.0.0.8"]},
            {"addresses": ["10.0.0.2"], "conditions": {"ready": True}},
        ]
        unready = {"addresses": ["10.0.0.3"], "conditions": {"ready": False}}
        requests = server.serve(self.slice(*addresses, unready), resource="endpointslices")
        assert endpoints("web", 2) == ["10.0.0.2", "10.0.0.9"]
        assert requests[0]["label_selector"] == "kubernetes.io/service-name=web"

    def test_an_endpoint_counts_once(self, server):
        """A dual-stack Service has slices of two address types, and an endpoint can be in two slices for a moment."""
        lists = {
            "a": ("IPv4", ["10.0.0.2", "10.0.0.9"]),
            "b": ("IPv4", ["10.0.0.9"]),
            "c": ("IPv6", ["fd00::2", "fd00::9"]),
        }
        slices = [
            {
                "metadata": {"name": name, "uid": name, "resourceVersion": "5"},
                "addressType": family,
                "endpoints": [{"addresses": [address]} for address in addresses],
            }
            for name, (family, addresses) in lists.items()
        ]
        server.serve(listed(10, *slices), resource="endpointslices")
        assert endpoints("web", 2) == ["10.0.0.2", "10.0.0.9"]
        server.serve(listed(10, slices[2]), resource="endpointslices")
        assert endpoints("web", 2) == ["fd00::2", "fd00::9"]

    def test_another_number_is_explained_by_the_service(self, server, monkeypatch):
        about = Finding("Service web", "no endpoints", "It selects app=webap.", "Correct it.")
        monkeypatch.setattr(module, "diagnose", lambda *args, **options: Diagnosis([FINDING, about]))
        server.serve(self.slice({"addresses": ["10.0.0.9"]}), resource="endpointslices")
        server.serve(listed(10, {"metadata": {"name": "web"}}), resource="services")
        with pytest.raises(
            WaitTimeout, match=r"2 endpoint\(s\) of the Service web: there are 1, 10\.0\.0\.9\."
        ) as error:
            endpoints("web", 2, timeout=0.05)
        assert error.value.why == "Service web: no endpoints. It selects app=webap."

    def test_a_service_that_does_not_exist(self, server):
        server.serve(listed(10), resource="endpointslices")
        server.serve(listed(10), resource="services")
        with pytest.raises(WaitTimeout, match=r"there are 0\.(.|\n)*no Service 'web' in this Namespace"):
            endpoints("web", 1, timeout=0.05)


class TestRolloutStatus:
    """A function that waits for the rollout of a Deployment."""

    def test_it_ends_when_the_old_pods_are_gone(self, server):
        server.serve(
            listed(9, deployment(9)),
            listed(10, deployment(10, observedGeneration=1, **DONE)),
            watched(
                ("MODIFIED", deployment(11, replicas=3, updatedReplicas=1, availableReplicas=3)),
                ("MODIFIED", deployment(12, **DONE)),
            ),
            resource="deployments",
        )
        old = ready("old", 8)
        requests = server.serve(listed(13, ready("a", 6), ready("b", 7), old), watched(("DELETED", old)))
        assert rollout_status("webapp", timeout=60) == 'deployment "webapp" successfully rolled out'
        assert len(requests) == 2 and requests[0]["label_selector"] == "app=webapp"

    def test_the_pods_are_selected_by_labels_and_expressions(self, server):
        item = deployment(9, **DONE)
        item["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["webapp", "web"]}]}
        server.serve(listed(9, item), listed(10, item), resource="deployments")
        requests = server.serve(listed(13, ready("a", 6), ready("b", 7)))
        rollout_status("webapp", timeout=60)
        assert requests[0]["label_selector"] == "app in (webapp,web)"

    def test_it_has_one_deadline_although_it_waits_twice(self, server):
        server.serve(
            listed(9, deployment(9)),
            listed(10, deployment(10)),
            watched(("MODIFIED", deployment(11, **DONE)), delay=1.2),
            resource="deployments",
        )
        requests = server.serve(listed(13, ready("a", 6, "False")))
        begun = time.monotonic()
        with pytest.raises(
            WaitTimeout, match=r"after 2 s waiting for 2 ready Pod\(s\) with app=webapp: 0 ready, 1 not"
        ):
            rollout_status("webapp", timeout=1.6)
        assert time.monotonic() - begun >= 1.6
        assert requests[0]["timeout"] <= 1 + 0.4, "with a second deadline, this request would have 1 + 1.6 s"

    def test_the_pods_are_looked_at_even_if_the_deployment_took_all_the_time(self, server):
        server.serve(
            listed(9, deployment(9)),
            listed(10, deployment(10)),
            watched(("MODIFIED", deployment(11, **DONE)), delay=0.2),
            resource="deployments",
        )
        server.serve(listed(13, ready("a", 6), ready("b", 7)))
        rollout_status("webapp", timeout=0.1)

    @pytest.mark.parametrize(
        ("status", "missing"),
        [
            ({"observedGeneration": 1, **DONE}, "the Deployment controller has not seen the change yet"),
            ({"replicas": 3, "updatedReplicas": 1}, "of 2 desired Pods, 1 updated and 0 available; 3 in all"),
        ],
    )
    def test_it_says_what_is_missing(self, server, status, missing):
        server.serve(listed(9, deployment(9)), listed(10, deployment(10, **status)), resource="deployments")
        with pytest.raises(WaitTimeout, match=f"waiting for the rollout of webapp: {missing}"):
            rollout_status("webapp", timeout=0.05)

    def test_a_deployment_that_is_deleted(self, server):
        server.serve(listed(9, deployment(9)), listed(10), resource="deployments")
        with pytest.raises(WaitTimeout, match="the Deployment was deleted"):
            rollout_status("webapp", timeout=0.05)

    def test_a_deployment_that_does_not_exist(self, server):
        server.serve(listed(9), resource="deployments")
        with pytest.raises(WorkbookError, match="no Deployment 'webapp'"):
            rollout_status("webapp")
