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
from workbook.kube.objects import Object, condition, containers, label_selector, ready, restarts, waiting_reasons
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
TOO_LOW = "Its memory limit is too low to start a container."
MEMORY_FIX = "Raise `resources.limits.memory` in the manifest, or find out why the program needs so much."
COMMAND_FIX = "Correct `command`, `args` or the mounts in the manifest, or the program's path in the image."
UNSCHEDULABLE = {
    "persistentvolumeclaim|persistent volumes": (
        "It uses a PersistentVolumeClaim that does not exist, or that has no volume.",
        "Look at `%kubectl get persistentvolumeclaims`: create the claim, or correct its name or its storage class.",
    ),
    "free ports": (
        "On each node, another Pod already uses its `hostPort`.",
        "Leave out `hostPort`: clients can reach the Pods through a Service instead.",
    ),
    "disk-pressure": ("The node's disk is full.", "Free some space on it, for example with `docker system prune`."),
    "node affinity/selector": (
        "It requires node labels that no node has.",
        "Correct `nodeSelector` or `affinity` in the manifest. See the nodes' labels: `%kubectl get nodes --show-labels`.",
    ),
}
"""Regular expression for the scheduler's message (in lower case) → why no node accepts the Pod, and the fix."""
EXCEEDED = re.compile("exceeded quota: (.+?), requested: (.+?), used: (.+?), limited: (.+)")
UNSTATED = re.compile("failed quota: (.+?): must specify (.+)")
"""The API server's messages about a quota: it does not allow as much, or it requires that a Pod states its needs."""
UNPREPARED = ("FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox")
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
                found.append(Finding(subject, "FailedCreate", *_refused_fault(entry["message"])))
                hindered.add(replicaset["metadata"]["uid"])
    for statefulset in evidence.statefulsets:
        if message := _failed_create(statefulset, evidence.events):
            subject = f"StatefulSet {statefulset['metadata']['name']}"
            found.append(Finding(subject, "FailedCreate", *_refused_fault(message)))
    for deployment in evidence.deployments:
        if fault := _rollout_fault(deployment, evidence.replicasets, hindered):
            found.append(Finding(f"Deployment {deployment['metadata']['name']}", *fault))
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
    events = [event for event in evidence.events if event["involvedObject"].get("uid") == pod["metadata"]["uid"]]
    if pod["status"].get("phase") == "Failed" and (reason := pod["status"].get("reason")):
        return (
            reason,
            f"It has failed permanently: {_cause(pod['status'].get('message', reason))}.",
            "Correct what the message names in the manifest, and delete the Pod: a failed Pod is not restarted.",
        )
    # This comes before the back-off, which a failing liveness probe causes as well.
    for kind in ("liveness", "startup"):
        if restarts(pod) and _message(events, "Killing", f"failed {kind} probe"):
            return (
                "Unhealthy",
                f"Its {kind} probe fails ({_probe(pod, f'{kind}Probe')}), so the kubelet restarts the container.",
                "If the program works, correct the probe's path and port, or raise its `initialDelaySeconds`.",
            )
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
    if not ready(pod) and (message := _message(events, "Unhealthy", "^(Readiness|Startup) ")):
        kind = message.split()[0].lower()
        status, probe = re.search(r"statuscode: (\d+)", message), _probe(pod, f"{kind}Probe")
        answer = f"gets HTTP {status[1]}" if status else "fails" if probe.startswith("`") else "gets no answer"
        return (
            "Unhealthy",
            f"The program runs, but its {kind} probe ({probe}) {answer}.",
            "Wait if it is still starting. Otherwise correct the probe's path and port, or the program.",
        )
    seen = pod["spec"].get("nodeName") or pod["status"].get("conditions") or containers(pod)
    if not seen and _is_old(pod["metadata"]["creationTimestamp"], evidence.now):
        return (
            "Pending",
            f"Its scheduler has not handled it: {pod['spec'].get('schedulerName', 'default-scheduler')!r}.",
            "Leave `schedulerName` out of the manifest, or find out why that scheduler does not run: "
            "`pods(namespace='kube-system')`.",
        )
    return None if ready(pod) else _unready_fault(pod)


def _unready_fault(pod: Object) -> tuple[str, str, str] | None:
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
    stage = "it is waiting for a node" if not pod["spec"].get("nodeName") else "its node is about to start it"
    if unready:
        container = unready[0]
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
    spec = _spec(pod, container)
    image = spec["image"]
    match reason:
        case "ContainerCreating" | "PodInitializing":
            return _unprepared_fault(events)
        case "ErrImageNeverPull":
            known = [other for other in sorted(evidence.images()) if other.split(":")[0] == image.split(":")[0]]
            return (
                reason,
                f"The image {image} is not on the node, and `imagePullPolicy: Never` does not allow pulling it. "
                f"With that name, the node has {', '.join(known) or 'no image'}.",
                "Build it and load it onto the node (notebook 02), or correct `image` in the manifest.",
            )
        # During a back-off, older kubelets report the reason only in the event.
        case "ErrImagePull" | "ImagePullBackOff" if OTHER_PLATFORM.search(message) or _message(
            events, "Failed", OTHER_PLATFORM.pattern
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
            return (
                reason,
                f"The image {image} is not on the node, and no registry provided it.",
                "Correct `image` in the manifest, or build the image and set `imagePullPolicy: Never` (notebook 02).",
            )
        case "CrashLoopBackOff":
            ended = container.get("lastState", {}).get("terminated") or {}
            return reason, *_exit_fault(pod, container, ended, evidence, previous=False)[1:]
        case "CreateContainerConfigError" if re.search("non-?root", message, re.IGNORECASE):
            return (
                reason,
                f"It must not run as root, but no other user is set: {message.partition(' (pod: ')[0]}.",
                "Set `runAsUser` under `securityContext`, or `USER` in the Dockerfile, to a number above 0.",
            )
        case "CreateContainerConfigError":
            return (
                reason,
                f"The Pod refers to something that does not exist: {message}.",
                "Create it, or correct its name in the manifest.",
            )
        case _:
            return reason, *_start_fault(pod, container, message, evidence)


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
    if short := re.findall(r"Insufficient ([\w./-]*\w)", message):
        why = f"No node has enough {' and '.join(dict.fromkeys(short))} left for it."
        if all("/" in resource for resource in short):  # not memory or CPU time, but what only special nodes have
            return why, "Leave it out of `resources` in the manifest, or add a node that has it."
        return why, "Lower `resources.requests`, delete other Pods, or give the cluster more resources."
    known = (fault for words, fault in UNSCHEDULABLE.items() if re.search(words, message.lower()))
    return next(known, (message, "Look at `%kubectl describe nodes`."))


def _exit_fault(
    pod: Object, container: Object, ended: Object, evidence: Evidence, *, previous: bool
) -> tuple[str, str, str]:
    """The reason and the cause of a program's exit, and the fix; `previous` if it was restarted since."""
    reason, code, who = ended.get("reason") or "Error", ended.get("exitCode", "unknown"), _who(pod, container)
    if reason == "OOMKilled":
        return reason, f"{who} was killed because it used more memory than its limit.", MEMORY_FIX
    if reason in ("StartError", "ContainerCannotRun"):
        return reason, *_start_fault(pod, container, ended.get("message", ""), evidence)
    log = evidence.log(pod["metadata"]["name"], container["name"], previous)
    if OTHER_PLATFORM.search(log):
        return reason, *_platform_fault(pod, _spec(pod, container)["image"], evidence)
    resources = [_spec(pod, container).get("resources", {}), pod["spec"].get("resources", {})]
    limits = [each["limits"]["memory"] for each in resources if "memory" in each.get("limits", {})]
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
    again = " Until then it is restarted, each time after a longer delay."
    return (
        reason,
        f"{ends}. {_said(log)}",
        f"Fix what the program complains about.{'' if pod['status'].get('phase') == 'Failed' else again}",
    )


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
    uid = statefulset["metadata"]["uid"]
    own = [event for event in events if event["involvedObject"].get("uid") == uid]
    newest = max(own, key=_version, default={})
    refused = newest.get("reason") == "FailedCreate"
    return str(newest.get("message", "")).rpartition(" failed error: ")[2] if refused else ""


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
    """Whether a restarted container has been ready for long enough. Without a probe, it is ready as soon as it runs."""
    running = container["state"].get("running")
    if not (container["ready"] and running):
        return False
    if not last["startedAt"]:
        return True  # the previous container never ran, and this one does
    lifetime = datetime.fromisoformat(last["finishedAt"]) - datetime.fromisoformat(last["startedAt"])
    return lifetime > STABLE_AFTER or now - datetime.fromisoformat(running["startedAt"]) > STABLE_AFTER


def _probe(pod: Object, kind: str) -> str:
    """What a probe requests, such as `GET /health on port 5000`."""
    specs = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]
    probe: Object = next((container[kind] for container in specs if kind in container), {})
    if get := probe.get("httpGet"):
        return f"GET {get.get('path', '/')} on port {get['port']}"
    if "exec" in probe:
        return f"`{shlex.join(probe['exec']['command'])}`"
    return ", ".join(key for key in probe if key in ("tcpSocket", "grpc")) or "unknown"


def _service_findings(service: Object, pods: list[Object]) -> Iterator[Finding]:
    """Faults of a Service: no external address, no endpoints, or a wrong target port."""
    spec, subject = service["spec"], f"Service {service['metadata']['name']}"
    if spec["type"] == "ExternalName":
        return
    if spec["type"] == "LoadBalancer" and not service["status"].get("loadBalancer", {}).get("ingress"):
        yield Finding(
            subject,
            "EXTERNAL-IP <pending>",
            "Nothing in this cluster provides load balancers, as a cloud does.",
            "Use its node port (`service_url(…)`), `port_forward(…)`, or with minikube `minikube tunnel` in a terminal.",
        )
    selector = label_selector(spec.get("selector") or {})
    selected = [pod for pod in pods if _selects(service, pod)]
    if not selected:
        labels = [pod["metadata"].get("labels", {}) for pod in pods]
        own = ({key: value for key, value in each.items() if key != "pod-template-hash"} for each in labels)
        listed = "; ".join(sorted(set(map(label_selector, own)))) or "there are no Pods"
        yield Finding(
            subject,
            "no endpoints",
            f"Its selector is {selector or 'empty'}, and no Pod matches it.\nThe Pods' labels: {listed}.",
            "Correct the Service's `selector`, or the labels in the Pod template.",
        )
        return
    if not any(map(ready, selected)):
        yield Finding(
            subject,
            "no endpoints",
            f"Its selector {selector} matches {len(selected)} Pod(s), but none of them is ready.",
            "Fix the Pods first: see the findings about them.",
        )
    yield from _mixed_findings(subject, selector, selected)
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
                f"Its port {port['port']} goes to port {target} of the Pods, but the Pods declare {listed}.",
                "Correct `targetPort` in the Service's manifest.",
            )


def _mixed_findings(subject: str, selector: str, selected: list[Object]) -> Iterator[Finding]:
    """The fault of a Service that sends the requests for one application to another one as well.

    Two versions of one application may share a Service: they differ in the tag of their image.
    """
    programs: dict[str, str] = {}
    for pod in selected:
        if "deletionTimestamp" in pod["metadata"]:
            continue
        specs = pod["spec"]["containers"]
        program = sorted((_repository(spec["image"]), spec.get("command", [])) for spec in specs)
        images = ", ".join(spec["image"] for spec in specs)
        programs.setdefault(repr(program), f"{name(pod['metadata'])} ({images})")
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


def _message(events: list[Object], reason: str, words: str) -> str:
    """The message of the newest event that has this reason and matches `words`; "" if there is none."""
    found = [event for event in events if event.get("reason") == reason and re.search(words, event.get("message", ""))]
    return str(max(found, key=_version, default={}).get("message", ""))


def _version(event: Object) -> int:
    return int(event["metadata"]["resourceVersion"])


def _cause(message: str) -> str:
    """The cause in a message: the end of a chain of errors, or the whole message."""
    return message.strip().rstrip(".").rpartition(": exec: ")[2]


def _indented(text: str) -> str:
    return text.replace("\n", "\n       ")
