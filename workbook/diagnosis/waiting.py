"""Why a container waits, or the whole Pod."""

import re

from workbook.diagnosis.containers import spec_of
from workbook.diagnosis.events import cause, events_about, newest_message, version
from workbook.diagnosis.exits import exit_fault, start_fault
from workbook.diagnosis.findings import Evidence
from workbook.diagnosis.fixes import MEMORY_FIX, TOO_LOW
from workbook.diagnosis.images import OTHER_PLATFORM, full_tag, platform_fault, pull_fault, repository
from workbook.diagnosis.scheduling import unscheduled_fault
from workbook.kube.objects import Object, containers

UNPREPARED = ("FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox", "NetworkNotReady")
"""Events of a Pod whose containers cannot be created yet."""


def waiting_fault(
    pod: Object, waiting: Object, events: list[Object], evidence: Evidence
) -> tuple[str, str, str] | None:
    """The fault that a Pod's state of waiting shows: the reason, the cause, and the fix; None if waiting is normal."""
    reason, message = waiting["reason"], waiting.get("message", "")
    container = next((status for status in containers(pod) if status["state"].get("waiting") is waiting), None)
    if container is None:  # the reason comes from the condition PodScheduled
        return reason, *unscheduled_fault(pod, reason, message)
    spec, own = spec_of(pod, container), events_about(container, events)
    image = spec["image"]
    match reason:
        case "ContainerCreating" | "PodInitializing":
            return _unprepared_fault(events)
        case "ErrImageNeverPull":
            known = [other for other in sorted(evidence.images()) if repository(other) == repository(image)]
            return (
                reason,
                f"The image {image} is not on the node, and `imagePullPolicy: Never` does not allow pulling it. "
                f"With that name, the node has {', '.join(known) or 'no image'}.",
                "Build it and load it onto the node (notebook 02), or correct `image` in the manifest.",
            )
        # During a back-off, older kubelets report the reason only in the event.
        case "ErrImagePull" | "ImagePullBackOff" if OTHER_PLATFORM.search(message) or newest_message(
            own, "Failed", OTHER_PLATFORM.pattern
        ):
            return reason, *platform_fault(pod, image, evidence)
        case "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" if (
            spec["imagePullPolicy"] == "Always" and full_tag(image) in evidence.images()
        ):
            default = ", the default for the tag `latest`," if full_tag(image).endswith(":latest") else ""
            return (
                reason,
                f"The image {image} is on the node, but `imagePullPolicy: Always`{default} requests it from a registry "
                "before each start, and no registry provided it.",
                "Set `imagePullPolicy: Never` in the manifest (notebook 02), or push the image to a registry.",
            )
        case "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "RegistryUnavailable":
            pulled = message, newest_message(own, "Failed", "^Failed to pull image")
            if fault := next(filter(None, (pull_fault(image, each) for each in pulled)), None):
                return reason, *fault
            return (
                reason,
                f"The image {image} is not on the node, and no registry provided it.",
                "Correct `image` in the manifest, or build the image and set `imagePullPolicy: Never` (notebook 02).",
            )
        case "CrashLoopBackOff":
            ended = container.get("lastState", {}).get("terminated") or {}
            return reason, *exit_fault(pod, container, ended, evidence, previous=False)[1:]
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
            return reason, *start_fault(pod, container, message, evidence)
        case _:
            return (
                reason,
                f"The container {container['name']} is waiting: {message.rstrip('.') or 'Kubernetes gives no message'}.",
                "Wait some seconds, and run `diagnose` again. `%kubectl describe pods` shows more about its state.",
            )


def _unprepared_fault(events: list[Object]) -> tuple[str, str, str] | None:
    """Why the kubelet cannot create a Pod's containers: its volumes or its sandbox; None if it is creating them."""
    reason = max(events, key=version, default={}).get("reason", "")
    if reason not in UNPREPARED:
        return None
    # The kubelet sometimes reports only that it gave up waiting for a volume.
    message = newest_message(events, reason, " failed for volume ") or newest_message(events, reason, "")
    if found := re.search(r' failed for volume ("[^"]+") ?: (.*)', message, re.DOTALL):
        optional = (
            " With `optional: true`, the Pod starts without it." if re.search("secret|configmap", found[2]) else ""
        )
        return (
            reason,
            f"The volume {found[1]} cannot be mounted: {cause(found[2])}.",
            f"Create what the volume refers to, or correct `volumes` in the manifest.{optional}",
        )
    if "OOM-killed" in message:
        return reason, TOO_LOW, MEMORY_FIX
    return reason, f"{cause(message)}.", "Correct what the message names, in the manifest or on the node."
