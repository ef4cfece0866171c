"""The fault that keeps a Pod from being ready."""

from datetime import datetime, timedelta

from workbook.diagnosis.containers import last_lines, precedes, program_of
from workbook.diagnosis.events import cause, events_of, newest_message
from workbook.diagnosis.exits import exit_fault, has_failed, has_recovered
from workbook.diagnosis.findings import Evidence
from workbook.diagnosis.fixes import REPLACE_FIX
from workbook.diagnosis.probes import kill_fault, probe_fault
from workbook.diagnosis.waiting import waiting_fault
from workbook.kube.objects import Object, condition, containers, ready, waiting_reasons

PATIENCE = timedelta(seconds=10)
"""How long an init container may run, or a Pod may wait for a scheduler, before that becomes a finding."""
ENDED_BY_NODE = ("Evicted", "Terminated", "Preempting")
"""The reasons of Pods that a node ended: it lacked memory or disk space, was shut down, or needed room for a system Pod."""


def pod_fault(pod: Object, evidence: Evidence) -> tuple[str, str, str] | None:
    """The first fault that keeps a Pod from being ready: the reason, the cause, and the fix."""
    if "deletionTimestamp" in pod["metadata"] or pod["status"].get("phase") == "Succeeded":
        return None
    events = events_of(pod, evidence.events)
    if pod["status"].get("phase") == "Failed" and (reason := pod["status"].get("reason")):
        message = cause(pod["status"].get("message", reason))
        if reason in ENDED_BY_NODE:
            return reason, f"Its node has ended it: {message}.", REPLACE_FIX
        return (
            reason,
            f"It has failed permanently: {message}.",
            "Correct what the message names in the manifest, and delete the Pod: a failed Pod is not restarted.",
        )
    for container in containers(pod):  # before the back-off, which a failing liveness probe causes as well
        if fault := kill_fault(pod, container, events, evidence.now):
            return fault
    for waiting in waiting_reasons(pod):
        if fault := waiting_fault(pod, waiting, events, evidence):
            return fault
    for container in containers(pod):
        ended = container["state"].get("terminated") or {}
        last = container.get("lastState", {}).get("terminated") or {}
        endless = pod["spec"]["restartPolicy"] == "Always" and not precedes(pod, container)
        if has_failed(ended or last, endless) and (ended or not has_recovered(container, last, evidence.now)):
            return exit_fault(pod, container, ended or last, evidence, previous=not ended)
        running = container["state"].get("running")
        if running and precedes(pod, container) and _is_old(running["startedAt"], evidence.now):
            said = last_lines(evidence.log(pod["metadata"]["name"], container["name"], False))
            return (
                "PodInitializing",
                f"{program_of(pod, container)} is still running, and the Pod's containers start only after it has finished. {said}",
                "Wait if it is still preparing something. Otherwise provide what it waits for, or correct its command.",
            )
    for container in containers(pod):
        if fault := probe_fault(pod, container, events):
            return fault
    seen = pod["spec"].get("nodeName") or pod["status"].get("conditions") or containers(pod)
    if not seen and _is_old(pod["metadata"]["creationTimestamp"], evidence.now):
        return (
            "Pending",
            f"Its scheduler has not handled it: {pod['spec'].get('schedulerName', 'default-scheduler')!r}.",
            "Leave `schedulerName` out of the manifest, or find out why that scheduler does not run: "
            "`pods(namespace='kube-system')`.",
        )
    return None if ready(pod) else _unready_fault(pod, events)


def _unready_fault(pod: Object, events: list[Object]) -> tuple[str, str, str] | None:
    """How far a Pod has come that is not ready, although nothing has failed; None if it only waits for its own end."""
    for gate in pod["spec"].get("readinessGates", []):
        if not condition(pod, gate["conditionType"]):
            return (
                "NotReady",
                f"Its readiness gate {gate['conditionType']} is not true.",
                "A controller sets this condition. If there is none, leave `readinessGates` out of the manifest.",
            )
    unready = [container for container in containers(pod) if not container["ready"]]
    ended = [container for container in unready if container["state"].get("terminated")]
    if unready and unready == ended and pod["spec"]["restartPolicy"] != "Always":
        return None
    node, seen = pod["spec"].get("nodeName"), containers(pod)
    if seen and not unready and newest_message(events, "NodeNotReady", ""):
        return (
            "NodeNotReady",
            f"Its node {node} no longer reports to Kubernetes.",
            "Start the node, or wait until the Pod's controller replaces the Pod. See `%kubectl get nodes`.",
        )
    stage = "its node is about to start it" if node else "it is waiting for a node"
    if seen:
        stage = "its containers are ready, but its condition Ready is not true"
    if unready:
        container = next((each for each in unready if each not in ended), unready[0])
        waiting = container["state"].get("waiting")
        doing = f"waiting ({waiting.get('reason', 'no reason')})" if waiting else "running, but not ready"
        stage = f"the container {container['name']} is {doing}"
    return (
        "NotReady",
        f"It is not ready, and nothing has failed so far: {stage}.",
        "Wait some seconds, and run `diagnose` again. `%kubectl describe pods` shows more about its state.",
    )


def _is_old(timestamp: str, now: datetime) -> bool:
    return now - datetime.fromisoformat(timestamp) > PATIENCE
