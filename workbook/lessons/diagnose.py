"""Find what is wrong with Pods and Services: the cause and the fix, in plain words.

`diagnose` reads the cluster; `findings` draws the conclusions, and needs no cluster.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from workbook.base.errors import WorkbookError
from workbook.cluster.current import api, current
from workbook.kube.objects import Object, containers, label_selector, ready, restarts, waiting_reasons
from workbook.lessons.kubectl import NAME_SERVICE, KubectlError, kubectl_output
from workbook.lessons.tables import name

LOG_LINES = 5
"""How many lines of a log a finding quotes."""
STABLE_AFTER = timedelta(seconds=10)
"""How long a restarted program must run before it counts as well, if its predecessor ended sooner than that."""
UNRESOLVED = re.compile(
    "Name or service not known|servname provided, or not known|name resolution|UnknownHost|no such host|ENOTFOUND"
)
"""How programs in C and Python, in Java, Go and JavaScript report that a name does not exist."""
COMMAND_FIX = "Correct `command`, `args`, or the mounts in the manifest; or the program's path in the image."
UNSCHEDULABLE = {
    "persistentvolumeclaim": (
        "It asks for a volume that is not there, or that no storage was found for.",
        "Look at `%kubectl get persistentvolumeclaims`: make the claim, or correct its name or its storage class.",
    ),
    "free ports": (
        "Another Pod has the `hostPort` that it asks for, on each node.",
        "Leave out `hostPort`: a Service gives the Pods an address without one.",
    ),
    "disk-pressure": ("The disk of the node is full.", "Make room on it, such as with `docker system prune`."),
    "node affinity/selector": (
        "It wants a node with labels that no node has.",
        "Correct `nodeSelector` or `affinity` in the manifest; the nodes' labels: `%kubectl get nodes --show-labels`.",
    ),
}
"""Words in the scheduler's message, in lower case: why no node takes the Pod, and what to do."""


@dataclass(frozen=True, repr=False)
class Finding:
    """A fault: the object that has it, Kubernetes' word for it, why, and what to do."""

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


@dataclass(frozen=True)
class Evidence:
    """What a diagnosis rests on, as the API server returns it. Functions return what only some faults need."""

    pods: list[Object]  # to be examined, as are the ReplicaSets and Services
    replicasets: list[Object]
    services: list[Object]
    all_pods: list[Object]  # of the namespace: a Service may select Pods that are not examined
    events: list[Object]
    images: Callable[[], list[str]]  # the images on the nodes, such as `web-app:1.0`
    log: Callable[[str, str, bool], str]  # the last lines of a Pod's container; True: as it was before its last restart
    name_servers: Callable[[], list[Object]]  # the Pods of the cluster's name service
    now: datetime


def diagnose(selector: str = "", *, wide: bool = False) -> Diagnosis:
    """Examine Pods and Services, their events, logs, and the node's images, and say what is wrong with them.

    Args:
        selector: a label selector such as `"app=webapp"`, for these Pods and the Services that lead to them; everything
            in the workbook's namespace when empty.
        wide: with the objects' full names, instead of `*` for a generated part.

    Returns:
        A list of findings, each with `subject`, `reason`, `why` and `fix`.

    Raises:
        WorkbookError: the API server does not answer.

    Documentation: https://kubernetes.io/docs/tasks/debug/debug-application/
    """
    all_pods, services = api().objects("pods"), api().objects("services")
    pods = api().objects("pods", label_selector=selector) if selector else all_pods
    if selector:
        services = [service for service in services if any(_selects(service, pod) for pod in pods)]
    evidence = Evidence(
        pods=pods,
        replicasets=api().objects("replicasets", label_selector=selector),
        services=services,
        all_pods=all_pods,
        events=api().objects("events"),
        images=current().images,
        log=_log,
        name_servers=_name_servers,
        now=datetime.now(UTC),
    )
    return findings(evidence, wide=wide)


def findings(evidence: Evidence, *, wide: bool = False) -> Diagnosis:
    """Conclude from the evidence what is wrong: at most one finding for each Pod, then ReplicaSets, then Services.

    Args:
        evidence: what was read from the cluster.
        wide: as in `diagnose`.
    """
    found: list[Finding] = []
    for pod in evidence.pods:
        if fault := _pod_fault(pod, evidence):
            found.append(Finding(f"Pod {name(pod['metadata'], full=wide)}", *fault))
    for replicaset in evidence.replicasets:
        for condition in replicaset.get("status", {}).get("conditions", []):
            if condition["type"] == "ReplicaFailure":  # it has the message at once; the event may come later
                subject = f"ReplicaSet {name(replicaset['metadata'], full=wide)}"
                why = f"It may not make its Pods: {_cause(condition['message'])}."
                fix = "Correct the Deployment's manifest, or the quota or policy that forbids it."
                found.append(Finding(subject, "FailedCreate", why, fix))
    for service in evidence.services:
        found += _service_findings(service, evidence.all_pods)
    return Diagnosis(dict.fromkeys(found))  # Pods of one Deployment often have the same finding


def _log(pod: str, container: str, previous: bool) -> str:
    options = ["--previous"] if previous else []
    try:
        return kubectl_output("logs", pod, "-c", container, f"--tail={LOG_LINES}", *options)
    except KubectlError:
        return ""


def _name_servers() -> list[Object]:
    try:
        return api().objects("pods", "kube-system", label_selector="k8s-app=kube-dns")
    except WorkbookError:
        return []  # the role of a user of a shared cluster may forbid it


def _pod_fault(pod: Object, evidence: Evidence) -> tuple[str, str, str] | None:
    """The first thing that keeps the Pod from being ready: the reason, why, and the fix."""
    if "deletionTimestamp" in pod["metadata"] or pod["status"].get("phase") == "Succeeded":
        return None
    events = [event for event in evidence.events if event["involvedObject"].get("uid") == pod["metadata"]["uid"]]
    # Before the back-off, which a failing liveness probe causes as well.
    if restarts(pod) and _message(events, "Killing", "failed liveness probe"):
        return (
            "Unhealthy",
            f"Its liveness probe fails ({_probe(pod, 'livenessProbe')}), so the kubelet restarts the container.",
            "If the program is well: correct the probe's path and port, or give it a later `initialDelaySeconds`.",
        )
    for waiting in waiting_reasons(pod):
        if fault := _waiting_fault(pod, waiting, evidence):
            return waiting["reason"], *fault
    for container in containers(pod):
        ended = container["state"].get("terminated") or {}
        last = container.get("lastState", {}).get("terminated") or {}
        if _failed(pod, ended) or (_failed(pod, last) and not _recovered(container, last, evidence.now)):
            return _exit_fault(pod, container, ended or last, evidence, previous=not ended)
    if not ready(pod) and (message := _message(events, "Unhealthy", "Readiness")):
        status = re.search(r"statuscode: (\d+)", message)
        answer = f"is answered with HTTP {status[1]}" if status else "gets no answer"
        return (
            "Unhealthy",
            f"The program runs, but its readiness probe ({_probe(pod, 'readinessProbe')}) {answer}.",
            "Wait if it is still starting; else correct the probe's path and port, or the program.",
        )
    return None


def _waiting_fault(pod: Object, waiting: Object, evidence: Evidence) -> tuple[str, str] | None:
    """Why a Pod waits, and the fix; None where waiting is no fault."""
    reason, message = waiting["reason"], waiting.get("message", "")
    if reason in ("ContainerCreating", "PodInitializing"):
        return None
    if reason == "Unschedulable":
        return _unschedulable_fault(message)
    container = next(
        (status for status in containers(pod) if status["state"].get("waiting", {}).get("reason") == reason),
        containers(pod)[0],
    )
    image = next(spec["image"] for spec in pod["spec"]["containers"] if spec["name"] == container["name"])
    match reason:
        case "ErrImageNeverPull":
            known = [other for other in sorted(evidence.images()) if other.split(":")[0] == image.split(":")[0]]
            return (
                f"The image {image} is not on the node, and `imagePullPolicy: Never` forbids to fetch it. "
                f"Of that name there is {', '.join(known) or 'none'}.",
                "Build it and bring it to the node (notebook 02), or correct `image` in the manifest.",
            )
        case "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "RegistryUnavailable":
            return (
                f"The image {image} is not on the node, and no registry gave it.",
                "Correct `image` in the manifest; or build it, and set `imagePullPolicy: Never` (notebook 02).",
            )
        case "CrashLoopBackOff":
            ended = container.get("lastState", {}).get("terminated") or {}
            return _exit_fault(pod, container, ended, evidence, previous=False)[1:]
        case "CreateContainerConfigError":
            return (
                f"The Pod names something that is not there: {message}.",
                "Make it, or correct its name in the manifest.",
            )
        case _:
            return f"The container cannot be made: {_cause(message)}.", COMMAND_FIX


def _unschedulable_fault(message: str) -> tuple[str, str]:
    """Why no node takes a Pod, from the scheduler's message, and the fix."""
    if short := re.findall(r"Insufficient ([\w./-]*\w)", message):
        return (
            f"No node has room for it: too little {' and '.join(dict.fromkeys(short))} is left.",
            "Ask for less in `resources.requests`, delete other Pods, or give the cluster more.",
        )
    known = (fault for words, fault in UNSCHEDULABLE.items() if words in message.lower())
    return next(known, (message, "Look at `%kubectl describe nodes`."))


def _exit_fault(
    pod: Object, container: Object, ended: Object, evidence: Evidence, *, previous: bool
) -> tuple[str, str, str]:
    """The reason, why a program has ended, and the fix; `previous` if it was started again since."""
    reason = ended.get("reason") or "Error"
    if reason == "OOMKilled":
        return (
            reason,
            "The program took more memory than its limit, and was killed for it.",
            "Raise `resources.limits.memory` in the manifest, or find out why it needs so much.",
        )
    if reason in ("StartError", "ContainerCannotRun"):
        return reason, f"The container cannot be started: {_cause(ended.get('message', ''))}.", COMMAND_FIX
    log = evidence.log(pod["metadata"]["name"], container["name"], previous)
    ends = f"The program ends by itself, with exit code {ended.get('exitCode', 'unknown')}"
    if unresolved := [line for line in log.splitlines() if UNRESOLVED.search(line)]:
        servers = evidence.name_servers()
        return (
            reason,
            f"{ends}, since a name does not resolve:\n{unresolved[-1]}",
            f"The cluster's name service is not ready: {NAME_SERVICE}."
            if servers and not any(map(ready, servers))
            else "Compare the name with `services()`: NAME for a Service of the same Namespace, NAME.NAMESPACE for another's.",
        )
    said = f"Its last lines were:\n{log}" if log else "It has printed nothing."
    return (
        reason,
        f"{ends}. {said}",
        "Fix what the program complains about. Until then it is restarted, each time after a longer delay.",
    )


def _failed(pod: Object, ended: Object) -> bool:
    """Whether a program should not have ended this way: with an error, or at all if it is to run forever."""
    return bool(ended) and (ended.get("exitCode") != 0 or pod["spec"]["restartPolicy"] == "Always")


def _recovered(container: Object, last: Object, now: datetime) -> bool:
    """Whether a restarted container is ready for good: without a probe, it is ready as soon as it runs."""
    running = container["state"].get("running")
    if not (container["ready"] and running):
        return False
    if not last["startedAt"]:
        return True  # the previous container never ran, and this one does
    lifetime = datetime.fromisoformat(last["finishedAt"]) - datetime.fromisoformat(last["startedAt"])
    return lifetime > STABLE_AFTER or now - datetime.fromisoformat(running["startedAt"]) > STABLE_AFTER


def _probe(pod: Object, kind: str) -> str:
    """What a probe requests, such as `GET /health on port 5000`."""
    probe: Object = next((container[kind] for container in pod["spec"]["containers"] if kind in container), {})
    if get := probe.get("httpGet"):
        return f"GET {get.get('path', '/')} on port {get['port']}"
    return ", ".join(key for key in probe if key in ("exec", "tcpSocket", "grpc")) or "unknown"


def _service_findings(service: Object, pods: list[Object]) -> Iterator[Finding]:
    """Why a Service leads nowhere, or has no external address."""
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
    selector = label_selector(spec.get("selector") or {})
    selected = [pod for pod in pods if _selects(service, pod)]
    if not selected:
        labels = [pod["metadata"].get("labels", {}) for pod in pods]
        own = ({key: value for key, value in each.items() if key != "pod-template-hash"} for each in labels)
        listed = "; ".join(sorted(set(map(label_selector, own)))) or "there are none"
        yield Finding(
            subject,
            "no endpoints",
            f"It selects {selector or 'nothing'}; no Pod has that label.\nThe Pods have: {listed}.",
            "Correct the Service's `selector`, or the labels in the Pods' template.",
        )
        return
    if not any(map(ready, selected)):
        yield Finding(
            subject,
            "no endpoints",
            f"It selects {selector}, which {len(selected)} Pod(s) have, but none of them is ready.",
            "See above what is wrong with the Pods.",
        )
    container_ports = [
        port for pod in selected for container in pod["spec"]["containers"] for port in container.get("ports", [])
    ]
    open_ports = {port[key] for port in container_ports for key in ("containerPort", "name") if key in port}
    for port in spec.get("ports", []):
        target = port.get("targetPort", port["port"])
        if open_ports and target not in open_ports:
            listed = ", ".join(map(str, sorted(open_ports, key=str)))
            yield Finding(
                subject,
                "wrong target port",
                f"Its port {port['port']} leads to port {target} of the Pods, which say that they listen on {listed}.",
                "Correct `targetPort` in the Service's manifest.",
            )


def _selects(service: Object, pod: Object) -> bool:
    selector: dict[str, str] = service["spec"].get("selector") or {}
    return bool(selector) and selector.items() <= pod["metadata"].get("labels", {}).items()


def _message(events: list[Object], reason: str, words: str) -> str:
    """The message of the newest event that has this reason and these words; "" without one."""
    found = [event for event in events if event["reason"] == reason and words in event.get("message", "")]
    newest = max(found, key=lambda event: int(event["metadata"]["resourceVersion"]), default={"message": ""})
    return str(newest["message"])


def _cause(message: str) -> str:
    """The end of a chain of errors: their cause."""
    return message.strip().rstrip(".").rpartition(": exec: ")[2][-300:]


def _indented(text: str) -> str:
    return text.replace("\n", "\n       ")
