"""What the live view shows, without a cluster."""

from workbook.lessons import watch as live


def pod(name, ready="True", **status):
    conditions = [{"type": "Ready", "status": ready}]
    return {
        "metadata": {"name": f"{name}-abc", "uid": name, "generateName": f"{name}-"},
        "status": {"phase": "Running", "conditions": conditions, **status},
    }


def test_a_mark_for_each_pod():
    deployment = {"metadata": {"name": "web"}, "spec": {"replicas": 3}, "status": {"replicas": 3, "readyReplicas": 2}}
    assert live._row("deployments", deployment) == ["●●○", "2 of 3 ready", ""]
    assert live._row("pods", pod("a")) == ["●", "Ready", "0"]
    waiting = [{"restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    assert live._row("pods", pod("a", "False", containerStatuses=waiting)) == ["○", "CrashLoopBackOff", "2"]


def test_while_it_shrinks_the_pods_that_end_are_shown():
    deployment = {"metadata": {"name": "web"}, "spec": {"replicas": 1}, "status": {"replicas": 2, "readyReplicas": 1}}
    assert live._row("deployments", deployment)[0] == "●○"


def test_a_replicaset_of_the_past_is_left_out():
    past = {"metadata": {"name": "web-1"}, "spec": {"replicas": 0}, "status": {"replicas": 0}}
    assert live._row("replicasets", past) is None
