"""What is wrong with Pods and Services, why, and what mends it, in plain words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from workbook.base.errors import WorkbookError
from workbook.cluster.current import api, current
from workbook.kube.objects import Object, containers, label_selector, ready, waiting_reasons
from workbook.lessons.kubectl import NAME_SERVICE, KubectlError, kubectl
from workbook.lessons.tables import name

LINES = 5
"""How much of a log is told."""
SOON = timedelta(seconds=10)
"""A program that has ended sooner than that is not well before it has run for longer."""
UNRESOLVED = re.compile(
    "Name or service not known|servname provided, or not known|name resolution|UnknownHost|no such host|ENOTFOUND"
)
"""How programs in C and Python, in Java, Go and JavaScript say that there is no such name."""


@dataclass(frozen=True, repr=False)
class Finding:
    """One thing that is wrong: with which object, Kubernetes' word for it, why, and what to do."""

    subject: str
    reason: str
    why: str
    fix: str

    def __repr__(self) -> str:
        return f"✗ {self.subject}: {self.reason}\n  Why: {_indented(self.why)}\n  Do:  {_indented(self.fix)}"


class Diagnosis(list[Finding]):
    """The findings, shown as text; empty when nothing is wrong."""

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "✓ Nothing is wrong here."


def diagnose(selector: str = "", *, wide: bool = False) -> Diagnosis:
    """Looks at Pods and Services, their events, logs, and the node's images, and says what is wrong with them.

    Args:
        selector: a label selector such as `"app=webapp"`, for these Pods and the Services that lead to them; everything
            in the workbook's Namespace when not given.
        wide: with the objects' full names, instead of `*` for a generated part.

    Returns:
        A list of findings, each with `subject`, `reason`, `why` and `fix`.

    Documentation: https://kubernetes.io/docs/tasks/debug/debug-application/
    """
    pods = api().objects("pods", label_selector=selector)
    events = api().objects("events")
    found = [finding for pod in pods for finding in _of_pod(pod, events, wide)]
    found += _of_replicasets(selector, wide)
    for service in api().objects("services"):
        chosen = service["spec"].get("selector", {})
        if not selector or (any(_matches(chosen, pod) for pod in pods) and chosen):
            found += _of_service(service)
    return Diagnosis(dict.fromkeys(found))


# ---- Pods ----


def _of_pod(pod: Object, events: list[Object], wide: bool) -> Iterator[Finding]:
    """At most one finding: the first thing that keeps the Pod from being ready."""
    if "deletionTimestamp" in pod["metadata"] or pod["status"].get("phase") == "Succeeded":
        return
    subject = f"Pod {name(pod['metadata'], full=wide)}"
    told = [event for event in events if event["involvedObject"].get("uid") == pod["metadata"]["uid"]]
    for container in containers(pod):  # before the back-off, which comes from this as well
        if killed := _killed_by_probe(pod, container, told):
            yield Finding(subject, "Unhealthy", *killed)
            return
    for waiting in waiting_reasons(pod):
        if explained := _waiting(pod, waiting):
            yield Finding(subject, waiting["reason"], *explained)
            return
    for container in containers(pod):
        ended = container["state"].get("terminated") or {}
        last = container.get("lastState", {}).get("terminated") or {}
        if _failed(ended, pod) or (_failed(last, pod) and not _well(container, last)):
            yield Finding(subject, *_ended(pod, container, ended or last, again=not ended))
            return
    if not ready(pod) and (failed := _message(told, "Unhealthy", "Readiness")):
        yield Finding(subject, "Unhealthy", *_not_ready(pod, failed))


def _waiting(pod: Object, waiting: dict[str, Any]) -> tuple[str, str] | None:
    """Why a Pod waits, and what to do; None where waiting is no failure."""
    reason, message = waiting["reason"], waiting.get("message", "")
    if reason in ("ContainerCreating", "PodInitializing"):
        return None
    if reason == "Unschedulable":
        return _unschedulable(message)
    container = next(
        (one for one in containers(pod) if one["state"].get("waiting", {}).get("reason") == reason), containers(pod)[0]
    )
    image = next(one["image"] for one in pod["spec"]["containers"] if one["name"] == container["name"])
    if reason == "ErrImageNeverPull":
        there = ", ".join(sorted(map(str, current().images()))) or "none of the workbook's"
        ours = [one for one in there.split(", ") if one.split(":")[0] == image.split(":")[0]]
        return (
            f"The image {image} is not on the node, and `imagePullPolicy: Never` forbids to fetch it. "
            f"Of that name there is {', '.join(ours) or 'none'}.",
            "Build it and bring it to the node (notebook 02), or correct `image` in the manifest.",
        )
    if reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "RegistryUnavailable"):
        return (
            f"The image {image} is not on the node, and no registry gave it.",
            "Correct `image` in the manifest; or build it, and set `imagePullPolicy: Never` (notebook 02).",
        )
    if reason == "CrashLoopBackOff":
        ended = container.get("lastState", {}).get("terminated") or {}
        return _ended(pod, container, ended, again=False)[1:]
    if reason == "CreateContainerConfigError":
        return (
            f"The Pod names something that is not there: {message}.",
            "Make it, or correct its name in the manifest.",
        )
    return (
        f"The container cannot be made: {_short(message)}.",
        "Correct `command`, `args`, or the mounts in the manifest; or the program's path in the image.",
    )


def _unschedulable(message: str) -> tuple[str, str]:
    """Why no node takes a Pod, from the scheduler's message."""
    if short := re.findall(r"Insufficient ([\w./-]*\w)", message):
        return (
            f"No node has room for it: too little {' and '.join(dict.fromkeys(short))} is left.",
            "Ask for less in `resources.requests`, delete other Pods, or give the cluster more.",
        )
    if "persistentvolumeclaim" in message.lower():
        return (
            "It asks for a volume that is not there, or that no storage was found for.",
            "Look at `%kubectl get persistentvolumeclaims`: make the claim, or correct its name or its storage class.",
        )
    if "free ports" in message:
        return (
            "Another Pod has the `hostPort` that it asks for, on each node.",
            "Leave out `hostPort`: a Service gives the Pods an address without one.",
        )
    if "disk-pressure" in message:
        return ("The disk of the node is full.", "Make room on it, such as with `docker system prune`.")
    if "node affinity/selector" in message:
        return (
            "It wants a node with labels that no node has.",
            "Correct `nodeSelector` or `affinity` in the manifest; the nodes' labels: `%kubectl get nodes --show-labels`.",
        )
    return (message, "Look at `%kubectl describe nodes`.")


def _failed(ended: dict[str, Any], pod: Object) -> bool:
    """Whether a program ought not to have ended so: with an error, or at all where it is started again."""
    return bool(ended) and (ended.get("exitCode") != 0 or pod["spec"]["restartPolicy"] == "Always")


def _well(container: dict[str, Any], last: dict[str, Any]) -> bool:
    """Whether a container that was started again is ready, and not just for a moment: without a probe it is so at once."""
    run = container["state"].get("running")
    if not (container["ready"] and run):
        return False
    if not last["startedAt"]:
        return True  # that one never ran, and this one does
    lived = datetime.fromisoformat(last["finishedAt"]) - datetime.fromisoformat(last["startedAt"])
    return lived > SOON or datetime.now(UTC) - datetime.fromisoformat(run["startedAt"]) > SOON


def _ended(pod: Object, container: dict[str, Any], ended: dict[str, Any], again: bool) -> tuple[str, str, str]:
    """The reason, why a program has ended, and what to do; `again` when it was started again meanwhile."""
    if ended.get("reason") == "OOMKilled":
        return (
            "OOMKilled",
            "The program took more memory than its limit, and was killed for it.",
            "Raise `resources.limits.memory` in the manifest, or find out why it needs so much.",
        )
    if ended.get("reason") in ("StartError", "ContainerCannotRun"):
        return (
            ended["reason"],
            f"The container cannot be started: {_short(ended.get('message', ''))}.",
            "Correct `command`, `args`, or the mounts in the manifest; or the program's path in the image.",
        )
    where = pod["metadata"]["name"]
    try:
        log = kubectl("logs", where, "-c", container["name"], f"--tail={LINES}", *(["--previous"] if again else []))
    except KubectlError:
        log = ""
    said = f"Its last lines were:\n{log}" if log else "It has said nothing."
    reason = ended.get("reason") or "Error"
    ends = f"The program ends by itself, with exit code {ended.get('exitCode', 'unknown')}"
    if unknown := [line for line in log.splitlines() if UNRESOLVED.search(line)]:
        return reason, f"{ends}, since a name does not resolve:\n{unknown[-1]}", _unresolved()
    return (
        reason,
        f"{ends}. {said}",
        "Mend what the program complains of; the container is tried again, each time later.",
    )


def _unresolved() -> str:
    """What to do about a name that does not resolve."""
    try:
        servers = api().objects("pods", "kube-system", label_selector="k8s-app=kube-dns")
    except WorkbookError:
        servers = []  # somebody else's cluster may not show them
    if servers and not any(map(ready, servers)):
        return f"The cluster's name service is not ready: {NAME_SERVICE}."
    return "Compare the name with `services()`: NAME for a Service of the same Namespace, NAME.NAMESPACE for another's."


def _killed_by_probe(pod: Object, container: dict[str, Any], told: list[Object]) -> tuple[str, str] | None:
    """Why the kubelet keeps killing a container, if it does, and what to do."""
    if not container["restartCount"] or not _message(told, "Killing", "failed liveness probe"):
        return None
    return (
        f"Its liveness probe fails ({_probed(pod, 'livenessProbe')}), so the kubelet restarts the container.",
        "If the program is well: correct the probe's path and port, or give it a later `initialDelaySeconds`.",
    )


def _not_ready(pod: Object, message: str) -> tuple[str, str]:
    """Why a Pod runs and is not ready, and what to do."""
    status = re.search(r"statuscode: (\d+)", message)
    answer = f"is answered with HTTP {status.group(1)}" if status else "gets no answer"
    return (
        f"The program runs, but its readiness probe ({_probed(pod, 'readinessProbe')}) {answer}.",
        "Wait if it is still starting; else correct the probe's path and port, or the program.",
    )


def _probed(pod: Object, kind: str) -> str:
    """What a probe asks for, such as `GET /health on port 5000`."""
    for container in pod["spec"]["containers"]:
        if probe := container.get(kind):
            if get := probe.get("httpGet"):
                return f"GET {get.get('path', '/')} on port {get['port']}"
            return ", ".join(key for key in probe if key in ("exec", "tcpSocket", "grpc"))
    return "unknown"


# ---- ReplicaSets and Services ----


def _of_replicasets(selector: str, wide: bool) -> Iterator[Finding]:
    """ReplicaSets that cannot make their Pods."""
    for one in api().objects("replicasets", label_selector=selector):
        for failure in one.get("status", {}).get("conditions", []):
            if failure["type"] == "ReplicaFailure":
                yield Finding(
                    f"ReplicaSet {name(one['metadata'], full=wide)}",
                    "FailedCreate",
                    # The condition's own message: the event comes by itself, and may come later.
                    f"It may not make its Pods: {_short(failure['message'])}.",
                    "Correct the Deployment's manifest, or the quota or policy that forbids it.",
                )


def _of_service(service: Object) -> Iterator[Finding]:
    """What keeps a Service from leading anywhere, or an outside address from it."""
    spec, subject = service["spec"], f"Service {service['metadata']['name']}"
    if spec["type"] == "ExternalName":
        return
    if spec["type"] == "LoadBalancer" and not service["status"].get("loadBalancer", {}).get("ingress"):
        yield Finding(
            subject,
            "EXTERNAL-IP <pending>",
            "Nothing in this cluster gives out load balancers; a cloud would.",
            "Use its node port (`service_url(…)`), `port_forward(…)`, or on minikube `minikube tunnel` in a terminal.",
        )
    chosen = spec.get("selector") or {}
    pods = api().objects("pods")
    behind = [pod for pod in pods if _matches(chosen, pod)]
    if not behind:
        there = sorted({label_selector(_own_labels(pod)) for pod in pods})
        yield Finding(
            subject,
            "no endpoints",
            f"It selects {label_selector(chosen) or 'nothing'}; no Pod has that label.\nThe Pods have: {'; '.join(there) or 'there are none'}.",
            "Correct the Service's `selector`, or the labels in the Pods' template.",
        )
        return
    if not any(map(ready, behind)):
        yield Finding(
            subject,
            "no endpoints",
            f"It selects {label_selector(chosen)}, which {len(behind)} Pod(s) have, but none of them is ready.",
            "See above what is wrong with the Pods.",
        )
    yield from _wrong_ports(subject, spec, behind)


def _wrong_ports(subject: str, spec: dict[str, Any], behind: list[Object]) -> Iterator[Finding]:
    """Ports of a Service that lead where no container says that it listens."""
    open_ports = {
        port[key]
        for pod in behind
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
        for key in ("containerPort", "name")
        if key in port
    }
    for port in spec.get("ports", []):
        target = port.get("targetPort", port["port"])
        if open_ports and target not in open_ports:
            told = ", ".join(map(str, sorted(open_ports, key=str)))
            yield Finding(
                subject,
                "wrong target port",
                f"Its port {port['port']} leads to port {target} of the Pods, which say that they listen on {told}.",
                "Correct `targetPort` in the Service's manifest.",
            )


# ---- words ----


def _matches(chosen: dict[str, str], pod: Object) -> bool:
    return bool(chosen) and chosen.items() <= pod["metadata"].get("labels", {}).items()


def _own_labels(pod: Object) -> dict[str, str]:
    """A Pod's labels without those that Kubernetes has added."""
    return {key: value for key, value in pod["metadata"].get("labels", {}).items() if key != "pod-template-hash"}


def _message(told: list[Object], reason: str, words: str = "") -> str:
    """The newest event's message of that reason, with these words in it."""
    found = [event for event in told if event["reason"] == reason and words in event.get("message", "")]
    return max(found, key=lambda event: int(event["metadata"]["resourceVersion"]))["message"] if found else ""


def _short(message: str) -> str:
    """The end of a long chain of causes, which is the cause."""
    return message.strip().rstrip(".").rpartition(": exec: ")[2][-300:]


def _indented(text: str) -> str:
    return text.replace("\n", "\n       ")
