"""Find what is wrong with Pods and Services: the cause and the fix, in plain words.

`diagnose` reads the cluster; `findings` draws the conclusions, and needs no cluster.
"""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from workbook.base.errors import WorkbookError
from workbook.cluster.current import api, current
from workbook.cluster.protocol import short_name
from workbook.kube.objects import Object, condition, containers, label_selector, ready, waiting_reasons
from workbook.lessons.kubectl import NAME_SERVICE, KubectlError, kubectl_output
from workbook.lessons.tables import name

LOG_LINES = 5
"""How many lines of a log a finding quotes."""
STABLE_AFTER = timedelta(seconds=10)
"""How long a restarted program must run to count as healthy, if its previous run was shorter than this."""
PATIENCE = timedelta(seconds=10)
"""How long an init container may run, or a Pod may wait for a scheduler, before that becomes a finding."""
UNRESOLVED = re.compile(
    "Name or service not known|servname provided, or not known|name resolution|UnknownHost|no such host|ENOTFOUND"
)
"""How programs in C, Python, Java, Go and JavaScript report that a name does not exist."""
OTHER_PLATFORM = re.compile(
    "exec format error|no match for platform|no matching manifest for|no image found in (image index|manifest list)"
)
"""How Linux reports a program for another architecture, and how containerd, Docker and CRI-O report such an image."""
ENDED_BY_NODE = ("Evicted", "Terminated", "Preempting")
"""The reasons of Pods that a node ended: it lacked memory or disk space, was shut down, or needed room for a system Pod."""
LOST = ("Unknown", "ContainerStatusUnknown")
"""The reasons of an exit that the kubelet did not see, for example because the node restarted. The exit code is invented."""
TOO_LOW = "Its memory limit is too low to start a container."
MEMORY_FIX = "Raise `resources.limits.memory` in the manifest, or find out why the program needs so much."
REPLACE_FIX = "Delete the Pod. Its controller, such as a Deployment, creates another one."
DISK_FIX = "Free some space on the node, for example with `docker system prune`."
COMMAND_FIX = "Correct `command`, `args` or the mounts in the manifest, or the program's path in the image."
PULL_FIXES = {
    "no space left on device": DISK_FIX,
    "429 Too Many Requests|toomanyrequests": "Wait until the registry's limit allows more, or log in to it: set `imagePullSecrets`.",
    "x509: ": "Let the node trust the registry's certificate, or use a registry whose certificate is valid.",
    "401 Unauthorized|403 Forbidden": "Correct `image` in the manifest, or log in to the registry: set `imagePullSecrets`.",
}
"""Regular expression for the runtime's message about an image → the fix."""
UNSCHEDULABLE = {
    'persistentvolumeclaim "[^"]+" not found|unbound immediate|find available persistent volumes': (
        "It uses a PersistentVolumeClaim that does not exist, or that has no volume.",
        "Look at `%kubectl get persistentvolumeclaims`: create the claim, or correct its name or its storage class.",
    ),
    "free ports": (
        "On each node, another Pod already uses its `hostPort`.",
        "Leave out `hostPort`: clients can reach the Pods through a Service instead.",
    ),
    "disk-pressure": ("The node's disk is full.", DISK_FIX),
    "node affinity/selector": (
        "It requires node labels that no node has.",
        "Correct `nodeSelector` or `affinity` in the manifest. See the nodes' labels: `%kubectl get nodes --show-labels`.",
    ),
}
"""Regular expression for what the scheduler says about each node (in lower case) → why none accepts the Pod, and the fix."""
EXCEEDED = re.compile("exceeded quota: (.+?), requested: (.+?), used: (.+?), limited: (.+)")
UNSTATED = re.compile("failed quota: (.+?): must specify (.+)")
"""The API server's messages about a quota: it does not allow as much, or it requires that a Pod states its needs."""
UNPREPARED = ("FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox", "NetworkNotReady")
"""Events of a Pod whose containers cannot be created yet."""


@dataclass(frozen=True, repr=False)
class Finding:
    """A fault: the object, the reason as Kubernetes names it, the cause, and the fix."""

    subject: str
    reason: str
    why: str
    fix: str

    def __repr__(self) -> str:
        return f"✗ {self.subject}: {self.reason}\n  Why: {_indented(self.why)}\n  Do:  {_indented(self.fix)}"


class Diagnosis(list[Finding]):
    """The findings, shown as text; empty when nothing is wrong."""

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "✓ No problems found."


@dataclass(frozen=True)
class Evidence:
    """The facts for a diagnosis, as the API server returns them. Functions fetch what only some faults need."""

    pods: list[Object]  # to be examined, as are the ReplicaSets, StatefulSets, Deployments and Services
    replicasets: list[Object]
    statefulsets: list[Object]
    deployments: list[Object]
    services: list[Object]
    all_pods: list[Object]  # of the namespace: a Service may select Pods that are not examined
    events: list[Object]
    images: Callable[[], list[str]]  # the images on the nodes, such as `web-app:1.0`
    log: Callable[
        [str, str, bool], str
    ]  # the last lines of a Pod's container; True: of the run before its last restart
    name_servers: Callable[[], list[Object]]  # the Pods of the cluster's name service
    architectures: Callable[[Object, str], tuple[str, str]]  # of a Pod's node and of an image, such as `amd64`, or ""
    now: datetime


def diagnose(selector: str = "", *, wide: bool = False) -> Diagnosis:
    """Find out what is wrong with Pods, rollouts and Services, from their status, their events, their logs and the nodes' images.

    Args:
        selector: a label selector such as `"app=webapp"`: examine only these Pods and Deployments, and the Services that
            select the Pods; everything in the workbook's namespace when empty.
        wide: show full names of objects, instead of `*` for the generated part.

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
        statefulsets=api().objects("statefulsets", label_selector=selector),
        deployments=api().objects("deployments", label_selector=selector),
        services=services,
        all_pods=all_pods,
        events=api().objects("events"),
        images=current().images,
        log=_log,
        name_servers=_name_servers,
        architectures=_architectures,
        now=datetime.now(UTC),
    )
    return findings(evidence, wide=wide)


def findings(evidence: Evidence, *, wide: bool = False) -> Diagnosis:
    """Draw conclusions from the evidence: at most one finding per Pod, then ReplicaSets, StatefulSets, Deployments and Services.

    There is a finding for each Pod that is not ready, except for Pods that are being deleted or that have ended well.

    Args:
        evidence: facts read from the cluster.
        wide: as in `diagnose`.
    """
    found: list[Finding] = []
    hindered: set[str] = set()  # UIDs of the ReplicaSets with a finding about them or their Pods
    for pod in evidence.pods:
        if fault := _pod_fault(pod, evidence):
            found.append(Finding(f"Pod {name(pod['metadata'], full=wide)}", *fault))
            if fault[0] != "NotReady":  # which may still change
                hindered.add(_owner(pod))
    for replicaset in evidence.replicasets:
        for entry in replicaset.get("status", {}).get("conditions", []):
            if entry["type"] == "ReplicaFailure":  # the condition has the message at once; the event may come later
                subject = f"ReplicaSet {name(replicaset['metadata'], full=wide)}"
                found.append(Finding(subject, entry["reason"], *_replica_fault(entry)))
                hindered.add(replicaset["metadata"]["uid"])
    for statefulset in evidence.statefulsets:
        if message := _failed_create(statefulset, evidence.events):
            subject = f"StatefulSet {statefulset['metadata']['name']}"
            found.append(Finding(subject, "FailedCreate", *_refused_fault(message)))
    for deployment in evidence.deployments:
        if fault := _rollout_fault(deployment, evidence.replicasets, hindered):
            found.append(Finding(f"Deployment {deployment['metadata']['name']}", *fault))
    for service in evidence.services:
        found += _service_findings(service, evidence)
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
        return []  # on a shared cluster, the user's role may not allow it


def _architectures(pod: Object, image: str) -> tuple[str, str]:
    # Imported here, because the Docker SDK loads slowly.
    from docker.errors import DockerException

    node = own = ""
    with suppress(WorkbookError, DockerException):  # on a shared cluster, some roles may not read nodes
        found = api().find("nodes", pod["spec"]["nodeName"]) or {}
        node = found.get("status", {}).get("nodeInfo", {}).get("architecture", "")
        if _full_tag(image) in current().images():  # otherwise the engine does not have it, or there is no engine
            own = current().docker().images.get(image).attrs["Architecture"]
    return node, own


def _pod_fault(pod: Object, evidence: Evidence) -> tuple[str, str, str] | None:
    """The first fault that keeps a Pod from being ready: the reason, the cause, and the fix."""
    if "deletionTimestamp" in pod["metadata"] or pod["status"].get("phase") == "Succeeded":
        return None
    events = _own(pod, evidence.events)
    if pod["status"].get("phase") == "Failed" and (reason := pod["status"].get("reason")):
        message = _cause(pod["status"].get("message", reason))
        if reason in ENDED_BY_NODE:
            return reason, f"Its node has ended it: {message}.", REPLACE_FIX
        return (
            reason,
            f"It has failed permanently: {message}.",
            "Correct what the message names in the manifest, and delete the Pod: a failed Pod is not restarted.",
        )
    for container in containers(pod):  # before the back-off, which a failing liveness probe causes as well
        if fault := _kill_fault(pod, container, events, evidence.now):
            return fault
    for waiting in waiting_reasons(pod):
        if fault := _waiting_fault(pod, waiting, events, evidence):
            return fault
    for container in containers(pod):
        ended = container["state"].get("terminated") or {}
        last = container.get("lastState", {}).get("terminated") or {}
        endless = pod["spec"]["restartPolicy"] == "Always" and not _precedes(pod, container)
        if _failed(ended or last, endless) and (ended or not _recovered(container, last, evidence.now)):
            return _exit_fault(pod, container, ended or last, evidence, previous=not ended)
        running = container["state"].get("running")
        if running and _precedes(pod, container) and _is_old(running["startedAt"], evidence.now):
            said = _said(evidence.log(pod["metadata"]["name"], container["name"], False))
            return (
                "PodInitializing",
                f"{_who(pod, container)} is still running, and the Pod's containers start only after it has finished. {said}",
                "Wait if it is still preparing something. Otherwise provide what it waits for, or correct its command.",
            )
    for container in containers(pod):
        if fault := _probe_fault(pod, container, events):
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


def _kill_fault(pod: Object, container: Object, events: list[Object], now: datetime) -> tuple[str, str, str] | None:
    """The fault of a container that the kubelet restarts because of a probe; None if no probe does, or not any more."""
    for kind in ("liveness", "startup"):
        killing = _newest(_about(container, events), "Killing", f"failed {kind} probe")
        if killing and container["restartCount"] and not _is_past(pod, container, killing, now):
            return (
                "Unhealthy",
                f"Its {kind} probe fails ({_probe(_spec(pod, container), kind)}), so the kubelet restarts the container.",
                "If the program works, correct the probe's path and port, or raise its `initialDelaySeconds`.",
            )
    return None


def _is_past(pod: Object, container: Object, killing: Object, now: datetime) -> bool:
    """Whether a container has run for longer since a probe killed it than the probe allows, or ended in another way since."""
    running = container["state"].get("running")
    if running and now - datetime.fromisoformat(running["startedAt"]) > _time_to_kill(pod, container):
        return True
    ended = container["state"].get("terminated") or container.get("lastState", {}).get("terminated") or {}
    # The kubelet drops most events of a Pod that has many. If the program ended as a kill ends it, an old event proves nothing.
    killed = ended.get("exitCode") in (0, 137, 143) and ended.get("reason") != "OOMKilled"
    return not killed and _is_older(killing, ended.get("startedAt"))


def _time_to_kill(pod: Object, container: Object) -> timedelta:
    """How long a program runs at most if its startup or liveness probe fails each time. Missing fields have their defaults."""
    seconds = pod["spec"].get("terminationGracePeriodSeconds", 30)
    spec = _spec(pod, container)
    for probe in (spec[key] for key in ("startupProbe", "livenessProbe") if key in spec):
        attempt = probe.get("periodSeconds", 10) + probe.get("timeoutSeconds", 1)
        seconds += probe.get("initialDelaySeconds", 0) + probe.get("failureThreshold", 3) * attempt
    return timedelta(seconds=seconds) + STABLE_AFTER


def _probe_fault(pod: Object, container: Object, events: list[Object]) -> tuple[str, str, str] | None:
    """The fault of a container that runs, and whose readiness or startup probe fails; None if no probe has failed."""
    running = container["state"].get("running")
    if container["ready"] or not running:
        return None
    recent = [event for event in _about(container, events) if not _is_older(event, running["startedAt"])]
    message = _message(recent, "Unhealthy", "^(Readiness|Startup) ")
    if not message:
        return None
    kind = message.split()[0].lower()
    status, probe = re.search(r"statuscode: (\d+)", message), _probe(_spec(pod, container), kind)
    answer = f"gets HTTP {status[1]}" if status else "fails" if probe.startswith("`") else "gets no answer"
    return (
        "Unhealthy",
        f"The program runs, but its {kind} probe ({probe}) {answer}.",
        "Wait if it is still starting. Otherwise correct the probe's path and port, or the program.",
    )


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
    if seen and not unready and _message(events, "NodeNotReady", ""):
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


def _waiting_fault(
    pod: Object, waiting: Object, events: list[Object], evidence: Evidence
) -> tuple[str, str, str] | None:
    """The fault that a Pod's state of waiting shows: the reason, the cause, and the fix; None if waiting is normal."""
    reason, message = waiting["reason"], waiting.get("message", "")
    container = next((status for status in containers(pod) if status["state"].get("waiting") is waiting), None)
    if container is None:  # the reason comes from the condition PodScheduled
        return reason, *_unscheduled_fault(pod, reason, message)
    spec, own = _spec(pod, container), _about(container, events)
    image = spec["image"]
    match reason:
        case "ContainerCreating" | "PodInitializing":
            return _unprepared_fault(events)
        case "ErrImageNeverPull":
            known = [other for other in sorted(evidence.images()) if _repository(other) == _repository(image)]
            return (
                reason,
                f"The image {image} is not on the node, and `imagePullPolicy: Never` does not allow pulling it. "
                f"With that name, the node has {', '.join(known) or 'no image'}.",
                "Build it and load it onto the node (notebook 02), or correct `image` in the manifest.",
            )
        # During a back-off, older kubelets report the reason only in the event.
        case "ErrImagePull" | "ImagePullBackOff" if OTHER_PLATFORM.search(message) or _message(
            own, "Failed", OTHER_PLATFORM.pattern
        ):
            return reason, *_platform_fault(pod, image, evidence)
        case "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" if (
            spec["imagePullPolicy"] == "Always" and _full_tag(image) in evidence.images()
        ):
            default = ", the default for the tag `latest`," if _full_tag(image).endswith(":latest") else ""
            return (
                reason,
                f"The image {image} is on the node, but `imagePullPolicy: Always`{default} requests it from a registry "
                "before each start, and no registry provided it.",
                "Set `imagePullPolicy: Never` in the manifest (notebook 02), or push the image to a registry.",
            )
        case "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "RegistryUnavailable":
            pulled = message, _message(own, "Failed", "^Failed to pull image")
            if fault := next(filter(None, (_pull_fault(image, each) for each in pulled)), None):
                return reason, *fault
            return (
                reason,
                f"The image {image} is not on the node, and no registry provided it.",
                "Correct `image` in the manifest, or build the image and set `imagePullPolicy: Never` (notebook 02).",
            )
        case "CrashLoopBackOff":
            ended = container.get("lastState", {}).get("terminated") or {}
            return reason, *_exit_fault(pod, container, ended, evidence, previous=False)[1:]
        case "CreateContainerConfigError" if "non-numeric user" in message:
            return (
                reason,
                f"It must not run as root, and the user of its image must be a number: {message.partition(' (pod: ')[0]}.",
                "Set `runAsUser` under `securityContext`, or `USER` in the Dockerfile, to the user's number.",
            )
        case "CreateContainerConfigError" if re.search("non-?root", message, re.IGNORECASE):
            return (
                reason,
                f"It must not run as root, but no other user is set: {message.partition(' (pod: ')[0]}.",
                "Set `runAsUser` under `securityContext`, or `USER` in the Dockerfile, to a number above 0.",
            )
        case "CreateContainerConfigError" if re.search("not found|couldn't find key|non-existent", message):
            return (
                reason,
                f"The Pod refers to something that does not exist: {message}.",
                "Create it, or correct its name in the manifest.",
            )
        case "RunContainerError" | "CreateContainerError" | "StartError" | "ContainerCannotRun":
            return reason, *_start_fault(pod, container, message, evidence)
        case _:
            return (
                reason,
                f"The container {container['name']} is waiting: {message.rstrip('.') or 'Kubernetes gives no message'}.",
                "Wait some seconds, and run `diagnose` again. `%kubectl describe pods` shows more about its state.",
            )


def _pull_fault(image: str, message: str) -> tuple[str, str] | None:
    """Why a registry or the node refuses an image, from the runtime's message, and the fix; None if it is not known."""
    fixes = (fix for words, fix in PULL_FIXES.items() if re.search(words, message))
    if fix := next(fixes, ""):
        cause = message.rpartition('": ')[2]  # after the names of the image, and of the address
        return f"The image {image} cannot be pulled: {cause.rstrip('.')}.", fix
    return None


def _unprepared_fault(events: list[Object]) -> tuple[str, str, str] | None:
    """Why the kubelet cannot create a Pod's containers: its volumes or its sandbox; None if it is creating them."""
    reason = max(events, key=_version, default={}).get("reason", "")
    if reason not in UNPREPARED:
        return None
    # The kubelet sometimes reports only that it gave up waiting for a volume.
    message = _message(events, reason, " failed for volume ") or _message(events, reason, "")
    if found := re.search(r' failed for volume ("[^"]+") ?: (.*)', message, re.DOTALL):
        optional = (
            " With `optional: true`, the Pod starts without it." if re.search("secret|configmap", found[2]) else ""
        )
        return (
            reason,
            f"The volume {found[1]} cannot be mounted: {_cause(found[2])}.",
            f"Create what the volume refers to, or correct `volumes` in the manifest.{optional}",
        )
    if "OOM-killed" in message:
        return reason, TOO_LOW, MEMORY_FIX
    return reason, f"{_cause(message)}.", "Correct what the message names, in the manifest or on the node."


def _unscheduled_fault(pod: Object, reason: str, message: str) -> tuple[str, str]:
    """Why a Pod has no node, from the scheduler's message, and the fix."""
    if reason == "SchedulingGated":
        gates = ", ".join(gate["name"] for gate in pod["spec"].get("schedulingGates", []))
        return (
            f"It is not scheduled until its scheduling gates are removed: {gates}.",
            "A gate is removed by its controller. If there is none, leave `schedulingGates` out of the manifest.",
        )
    reasons = _of_all_nodes(message)
    if short := re.findall(r"Insufficient ([\w./-]*\w)", reasons):
        why = f"No node has enough {' and '.join(dict.fromkeys(short))} left for it."
        if all("/" in resource for resource in short):  # not memory or CPU time, but what only special nodes have
            return why, "Leave it out of `resources` in the manifest, or add a node that has it."
        return why, "Lower `resources.requests`, delete other Pods, or give the cluster more resources."
    known = (fault for words, fault in UNSCHEDULABLE.items() if re.search(words, reasons.lower()))
    return next(known, (message, "Look at `%kubectl describe nodes`."))


def _of_all_nodes(message: str) -> str:
    """The reasons in the scheduler's message that hold for all nodes, or for the Pod itself; a line for each.

    Control planes are not counted if their taint keeps the Pod away.
    """
    found = re.match(r"0/(\d+) nodes are available: (.*?)(\. |\.?$)", message, re.DOTALL)
    if not found:
        return ""
    parts = [re.fullmatch(r"(?:(\d+) )?(.*)", part, re.DOTALL) for part in found[2].split(", ")]
    reasons = [(int(part[1] or 0), part[2]) for part in parts if part]
    tainted = sum(count for count, reason in reasons if "{node-role.kubernetes.io/control-plane" in reason)
    return "\n".join(reason for count, reason in reasons if count in (0, int(found[1]) - tainted))


def _exit_fault(
    pod: Object, container: Object, ended: Object, evidence: Evidence, *, previous: bool
) -> tuple[str, str, str]:
    """The reason and the cause of a program's exit, and the fix; `previous` if it was restarted since."""
    reason, code, who = ended.get("reason") or "Error", ended.get("exitCode", "unknown"), _who(pod, container)
    failed = pod["status"].get("phase") == "Failed"
    resources = [_spec(pod, container).get("resources", {}), pod["spec"].get("resources", {})]
    limits = [each["limits"]["memory"] for each in resources if "memory" in each.get("limits", {})]
    if reason == "OOMKilled" and not limits:
        return (
            reason,
            f"{who} was killed because its node ran out of memory. The program has no memory limit.",
            "Set `resources.requests.memory` in the manifest, delete other Pods, or give the cluster more memory.",
        )
    if reason == "OOMKilled":
        return reason, f"{who} was killed because it used more memory than its limit.", MEMORY_FIX
    if reason in ("StartError", "ContainerCannotRun"):
        return reason, *_start_fault(pod, container, ended.get("message", ""), evidence)
    if reason in LOST:
        return (
            reason,
            f"Kubernetes does not know how {who[0].lower()}{who[1:]} ended. Its node may have restarted.",
            REPLACE_FIX if failed else "Wait some seconds, and run `diagnose` again.",
        )
    log = evidence.log(pod["metadata"]["name"], container["name"], previous)
    if OTHER_PLATFORM.search(log):
        return reason, *_platform_fault(pod, _spec(pod, container)["image"], evidence)
    if code == 137 and limits:  # on a busy node, the runtime does not always notice why
        return (
            reason,
            f"{who} was killed (exit code 137), probably because it used more memory than its limit of {limits[0]}. "
            f"{_said(log)}",
            MEMORY_FIX,
        )
    ends = f"{who} exits with code {code}"
    if _precedes(pod, container):
        ends += ", so the Pod's containers do not start"
    if unresolved := [line for line in log.splitlines() if UNRESOLVED.search(line)]:
        servers = evidence.name_servers()
        return (
            reason,
            f"{ends}. It cannot resolve a name:\n{unresolved[-1]}",
            f"The cluster's name service is not ready: {NAME_SERVICE}."
            if servers and not any(map(ready, servers))
            else "Compare the name with `services()`: NAME for a Service in the same Namespace, NAME.NAMESPACE for one in another.",
        )
    policy = _spec(pod, container).get("restartPolicy") or pod["spec"]["restartPolicy"]  # sidecars have their own
    again = "" if failed or policy == "Never" else " Until then it is restarted, each time after a longer delay."
    return reason, f"{ends}. {_said(log)}", f"Fix what the program complains about.{again}"


def _start_fault(pod: Object, container: Object, message: str, evidence: Evidence) -> tuple[str, str]:
    """Why a container cannot be created, from the runtime's message, and the fix."""
    if OTHER_PLATFORM.search(message):
        return _platform_fault(pod, _spec(pod, container)["image"], evidence)
    if "OOM-killed" in message:
        return TOO_LOW, MEMORY_FIX
    return f"The container cannot be created: {_cause(message)}.", COMMAND_FIX


def _platform_fault(pod: Object, image: str, evidence: Evidence) -> tuple[str, str]:
    """Why an image's program cannot run on a node's architecture, and the fix."""
    node, own = evidence.architectures(pod, image)
    if own and own == node:
        return (
            f"The image {image} is for {node}, like the node, but its program is for another architecture, or is a script "
            "that does not name its interpreter.",
            f"Build the program for {node}, or start the script with a line such as `#!/bin/sh`.",
        )
    fix = f"Build it for the node (`docker build --platform linux/{node or 'ARCHITECTURE'} …`), or use another image."
    if own and node:
        return f"The image {image} is for {own}, but the node is {node}.", fix
    return f"The image {image} has no program for the node's architecture{', ' + node if node else ''}.", fix


def _rollout_fault(deployment: Object, replicasets: list[Object], hindered: set[str]) -> tuple[str, str, str] | None:
    """Why a Deployment's rollout does not finish: the reason, the cause, and the fix; None if it may still do so.

    Args:
        deployment: the Deployment.
        replicasets: its ReplicaSets, and maybe others.
        hindered: the UIDs of the ReplicaSets with a finding about them or their Pods.
    """
    spec, status, metadata = deployment["spec"], deployment.get("status", {}), deployment["metadata"]
    wanted, deadline = spec["replicas"], spec.get("progressDeadlineSeconds")
    if status.get("observedGeneration", 0) < metadata["generation"]:
        return None  # the status is about an earlier template
    if spec.get("paused") and status.get("updatedReplicas", 0) < wanted:
        return (
            "DeploymentPaused",
            "Its rollout is paused, so its Pods are not replaced by Pods of the current template.",
            f"Continue it: `%kubectl rollout resume deployment/{metadata['name']}`.",
        )
    owned = [item for item in replicasets if _owner(item) == metadata["uid"]]
    new = [item for item in owned if _revision(item) == _revision(deployment)]
    available, before = (
        sum(item.get("status", {}).get("availableReplicas", 0) for item in items)
        for items in (new, [item for item in owned if item not in new])
    )
    if not new or available >= wanted:
        return None
    why = f"Of {wanted} Pod(s) of its current revision, {available} are available."
    if before:
        why += f" {before} Pod(s) of an earlier revision still serve."
    fix = "Fix the Pods of the current revision: see the findings about them."
    if len(owned) > len(new):
        fix += f" Or go back to the revision before it: `%kubectl rollout undo deployment/{metadata['name']}`."
    reasons = [each["reason"] for each in status.get("conditions", []) if each["type"] == "Progressing"]
    if "ProgressDeadlineExceeded" in reasons:
        return reasons[0], f"Its rollout is stuck: no progress for {deadline} s (`progressDeadlineSeconds`). {why}", fix
    if before and hindered & {item["metadata"]["uid"] for item in new}:
        return (
            "rollout not finished",
            f"{why} Without progress for {deadline} s (`progressDeadlineSeconds`), the rollout counts as stuck.",
            fix,
        )
    return None


def _owner(item: Object) -> str:
    """The UID of an object's controller; "" if it has none."""
    owners = item["metadata"].get("ownerReferences", [])
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


def _revision(item: Object) -> str:
    """The number of a ReplicaSet's revision, or of a Deployment's current one."""
    return str(item["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision", ""))


def _failed_create(statefulset: Object, events: list[Object]) -> str:
    """The API server's message if a StatefulSet may not create its next Pod or that Pod's claim; "" if it may.

    Unlike a ReplicaSet, a StatefulSet has no condition for this, only an event.
    """
    if statefulset.get("status", {}).get("replicas", 0) >= statefulset["spec"]["replicas"]:
        return ""
    newest = max(_own(statefulset, events), key=_version, default={})
    refused = newest.get("reason") == "FailedCreate"
    return str(newest.get("message", "")).rpartition(" failed error: ")[2] if refused else ""


def _replica_fault(entry: Object) -> tuple[str, str]:
    """Why a ReplicaSet cannot create or delete its Pods, from its condition ReplicaFailure, and the fix."""
    if entry["reason"] == "FailedCreate":
        return _refused_fault(entry["message"])
    return f"{_cause(entry['message'])}.", "Look at `%kubectl describe replicasets`."


def _refused_fault(message: str) -> tuple[str, str]:
    """Why a ReplicaSet or StatefulSet may not create its Pods, from the API server's message, and the fix."""
    if found := EXCEEDED.search(message):
        quota, needed, used, limit = found.groups()
        return (
            f"It may not create its Pods, because of the quota {quota}. Needed: {needed}. Used: {used}. Allowed: {limit}.",
            "Delete what you no longer need, or lower `replicas` or `resources` in the manifest. "
            f"`%kubectl describe quota {quota}` shows what is used; the cluster's administrator can raise it.",
        )
    if found := UNSTATED.search(message):
        return (
            f"It may not create its Pods, because the quota {found[1]} requires fields that are missing: {found[2]}.",
            "Add these fields under `resources` to the containers in the Pod template.",
        )
    if found := re.search(r'(violates PodSecurity "[^"]+"): (.*)', message, re.DOTALL):
        rules = "".join(f"\n- {rule}" for rule in re.split(r"(?<=\)), ", found[2]))
        return (
            f"It may not create its Pods: each {found[1]}:{rules}",
            "Correct these fields in the Pod template. Or, if you are allowed to, set a less strict level in the "
            "Namespace's label `pod-security.kubernetes.io/enforce`.",
        )
    return (
        f"It may not create its Pods: {_cause(message)}.",
        "Correct the Deployment's manifest, or the quota or policy that does not allow it.",
    )


def _spec(pod: Object, container: Object) -> Object:
    """The specification of the container that has this status."""
    specs: list[Object] = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
    return next(spec for spec in specs if spec["name"] == container["name"])


def _precedes(pod: Object, container: Object) -> bool:
    """Whether it is an init container that must finish before others start. A sidecar keeps running."""
    spec = _spec(pod, container)
    return spec in pod["spec"].get("initContainers", []) and spec.get("restartPolicy") != "Always"


def _who(pod: Object, container: Object) -> str:
    if _spec(pod, container) in pod["spec"].get("initContainers", []):
        return f"The program of the init container {container['name']}"
    return "The program"


def _said(log: str) -> str:
    return f"Its last lines were:\n{log}" if log else "It has printed nothing."


def _full_tag(image: str) -> str:
    """An image's name as the nodes list it: without the default registry, and with a tag."""
    short = short_name(image)
    return short if ":" in short.rpartition("/")[2] else f"{short}:latest"


def _repository(image: str) -> str:
    """An image's name without its tag and its digest."""
    return _full_tag(image.partition("@")[0]).rpartition(":")[0]


def _is_old(timestamp: str, now: datetime) -> bool:
    return now - datetime.fromisoformat(timestamp) > PATIENCE


def _failed(ended: Object, endless: bool) -> bool:
    """Whether a program has failed: it ended with an error, or it ended although it should run forever."""
    return bool(ended) and (ended.get("exitCode") != 0 or endless)


def _recovered(container: Object, last: Object, now: datetime) -> bool:
    """Whether a container's last exit is past: it runs again well enough, or only its node restarted. It may not be ready."""
    running = container["state"].get("running")
    if last.get("reason") in LOST or not running:
        return last.get("reason") in LOST
    if now - datetime.fromisoformat(running["startedAt"]) > STABLE_AFTER:
        return True
    if not (container["ready"] and last.get("startedAt")):
        return bool(container["ready"])  # if the previous container never ran, this one has recovered
    # Without a probe, a container is ready as soon as it runs.
    return datetime.fromisoformat(last["finishedAt"]) - datetime.fromisoformat(last["startedAt"]) > STABLE_AFTER


def _probe(spec: Object, kind: str) -> str:
    """What a container's probe requests, such as `GET /health on port 5000`."""
    probe: Object = spec.get(f"{kind}Probe", {})
    if get := probe.get("httpGet"):
        return f"GET {get.get('path', '/')} on port {get['port']}"
    if "exec" in probe:
        return f"`{shlex.join(probe['exec']['command'])}`"
    return ", ".join(key for key in probe if key in ("tcpSocket", "grpc")) or "unknown"


def _service_findings(service: Object, evidence: Evidence) -> Iterator[Finding]:
    """Faults of a Service: no external address, no endpoints, several applications, or a wrong target port."""
    spec, subject = service["spec"], f"Service {service['metadata']['name']}"
    if spec["type"] == "ExternalName":
        return
    if spec["type"] == "LoadBalancer" and not service["status"].get("loadBalancer", {}).get("ingress"):
        warnings = [event for event in _own(service, evidence.events) if event.get("type") == "Warning"]
        message = str(max(warnings, key=_version, default={}).get("message", ""))
        yield Finding(
            subject,
            "EXTERNAL-IP <pending>",
            f"{message.rstrip('.') or 'Nothing in this cluster provides load balancers, as a cloud does'}.",
            "Use its node port (`service_url(…)`), `port_forward(…)`, or with minikube `minikube tunnel` in a terminal.",
        )
    if not spec.get("selector"):  # other clients create its endpoints
        return
    selected = [pod for pod in evidence.all_pods if _selects(service, pod)]
    if fault := _endpoints_fault(service, selected, evidence):
        yield Finding(subject, "no endpoints", *fault)
    yield from _mixed_findings(subject, label_selector(spec["selector"]), selected)
    if selected and spec.get("clusterIP") != "None":  # clients of a headless Service choose the port themselves
        yield from _port_findings(subject, service, selected)


def _endpoints_fault(service: Object, selected: list[Object], evidence: Evidence) -> tuple[str, str] | None:
    """Why a Service has no endpoints, and the fix; None if it has some."""
    selector = label_selector(service["spec"]["selector"])
    staying = [pod for pod in selected if "deletionTimestamp" not in pod["metadata"]]
    if any(map(ready, staying)) or (staying and service["spec"].get("publishNotReadyAddresses")):
        return None
    if not staying and (found := _workload(service, evidence)):
        kind, workload = found
        which = f"{kind.lower()}/{workload['metadata']['name']}"
        matches = f"Its selector {selector} matches the Pods of {which}"
        if workload["spec"]["replicas"]:
            return f"{matches}, but there are none.", f"See the findings about it, or `%kubectl describe {which}`."
        return f"{matches}, which has 0 Pods (`replicas: 0`).", f"Run `%kubectl scale --replicas=1 {which}`."
    if selected:
        return (
            f"Its selector {selector} matches {len(selected)} Pod(s), but none of them is ready.",
            "Fix the Pods first: see the findings about them.",
        )
    labels = [pod["metadata"].get("labels", {}) for pod in evidence.all_pods]
    own = ({key: value for key, value in each.items() if key != "pod-template-hash"} for each in labels)
    listed = "; ".join(sorted(set(map(label_selector, own)))) or "there are no Pods"
    return (
        f"Its selector is {selector}, and no Pod matches it.\nThe Pods' labels: {listed}.",
        "Correct the Service's `selector`, or the labels in the Pod template.",
    )


def _workload(service: Object, evidence: Evidence) -> tuple[str, Object] | None:
    """A workload whose Pods a Service selects, as in `("Deployment", {…})`; if possible, one that should have Pods."""
    alone = [item for item in evidence.replicasets if not _owner(item)]
    kinds = {"Deployment": evidence.deployments, "StatefulSet": evidence.statefulsets, "ReplicaSet": alone}
    found = [
        (kind, item) for kind, items in kinds.items() for item in items if _selects(service, item["spec"]["template"])
    ]
    return max(found, key=lambda each: each[1]["spec"]["replicas"], default=None)


def _port_findings(subject: str, service: Object, selected: list[Object]) -> Iterator[Finding]:
    """The ports of a Service that lead to a port that none of its Pods declares."""
    specs = [spec for pod in selected for spec in _lasting(pod)]
    ports = [(port, port.get("protocol", "TCP")) for spec in specs for port in spec.get("ports", [])]
    declared = {(port[key], protocol) for port, protocol in ports for key in ("containerPort", "name") if key in port}
    listed = ", ".join(sorted(_port(*each) for each in declared)) or "no ports"
    for port in service["spec"].get("ports", []):
        target, protocol = port.get("targetPort", port["port"]), port.get("protocol", "TCP")
        named = isinstance(target, str)
        if (target, protocol) in declared or (not named and (not declared or target in dict(declared))):
            continue
        # A program can listen at a port that its container does not declare; only names must be declared.
        certain = named or all(spec.get("ports") for spec in specs)
        yield Finding(
            subject,
            "wrong target port" if certain else "undeclared target port",
            f"Its port {port['port']} goes to port {_port(target, protocol if named else 'TCP')} of the Pods, but the Pods "
            f"declare {listed}.{'' if certain else ' A Pod can also use a port that it does not declare.'}",
            f"{'Correct' if certain else 'If no program listens at that port, correct'} `targetPort` in the Service's manifest.",
        )


def _lasting(pod: Object) -> list[Object]:
    """The specifications of a Pod's containers and sidecars, which run as long as the Pod."""
    sidecars = [spec for spec in pod["spec"].get("initContainers", []) if spec.get("restartPolicy") == "Always"]
    return [*pod["spec"]["containers"], *sidecars]


def _port(port: int | str, protocol: str) -> str:
    return str(port) if protocol == "TCP" else f"{port} ({protocol})"


def _mixed_findings(subject: str, selector: str, selected: list[Object]) -> Iterator[Finding]:
    """The fault of a Service that sends the requests for one application to another one as well.

    Two versions of one application may share a Service: they differ in the tag of their image, or have one workload.
    """
    programs: dict[str, str] = {}
    workloads: dict[str, str] = {}  # the name of a workload → one of its programs
    for pod in selected:
        if "deletionTimestamp" in pod["metadata"] or pod["status"].get("phase") in ("Succeeded", "Failed"):
            continue
        specs = pod["spec"]["containers"]
        program = sorted((_repository(spec["image"]), spec.get("command", [])) for spec in specs)
        images = ", ".join(spec["image"] for spec in specs)
        owners = pod["metadata"].get("ownerReferences", [])
        numbered = (owner["name"] for owner in owners if owner["kind"] == "StatefulSet")
        workload = next(numbered, name(pod["metadata"]))
        programs.setdefault(workloads.setdefault(workload, repr(program)), f"{name(pod['metadata'])} ({images})")
    if len(programs) > 1:
        listed = "".join(f"\n- {pod}" for pod in sorted(programs.values()))
        yield Finding(
            subject,
            "several applications",
            f"Its selector {selector} matches Pods of different applications, and each request goes to any of them:{listed}",
            "Add a label that only the right Pods have to their template, and to the Service's `selector`.",
        )


def _selects(service: Object, pod: Object) -> bool:
    selector: dict[str, str] = service["spec"].get("selector") or {}
    return bool(selector) and selector.items() <= pod["metadata"].get("labels", {}).items()


def _own(item: Object, events: list[Object]) -> list[Object]:
    """The events about an object."""
    return [event for event in events if event["involvedObject"].get("uid", "") == item["metadata"].get("uid")]


def _about(container: Object, events: list[Object]) -> list[Object]:
    """The events of a Pod that are about one of its containers, or that name no container."""
    paths = [event["involvedObject"].get("fieldPath", "") for event in events]
    own = f"{{{container['name']}}}"  # of spec.containers{NAME}
    return [event for event, path in zip(events, paths, strict=True) if not path or path.endswith(own)]


def _is_older(event: Object, timestamp: str | None) -> bool:
    """Whether an event last occurred before this time; False if one of the times is not known."""
    time = (event.get("series") or {}).get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    if not (time and timestamp):
        return False
    return datetime.fromisoformat(time) < datetime.fromisoformat(timestamp)


def _newest(events: list[Object], reason: str, words: str) -> Object:
    """The newest event that has this reason and whose message matches `words`; empty if there is none."""
    found = [event for event in events if event.get("reason") == reason and re.search(words, event.get("message", ""))]
    return max(found, key=_version, default={})


def _message(events: list[Object], reason: str, words: str) -> str:
    return str(_newest(events, reason, words).get("message", ""))


def _version(event: Object) -> int:
    return int(event["metadata"]["resourceVersion"])


def _cause(message: str) -> str:
    """The cause in a message: the end of a chain of errors, or the whole message."""
    return message.strip().rstrip(".").rpartition(": exec: ")[2]


def _indented(text: str) -> str:
    return text.replace("\n", "\n       ")
