"""Waits that end as soon as the thing has happened, or at their bound with the reason why it has not."""

import os
import re
from collections.abc import Callable
from typing import Any

from workbook.client import list_objects
from workbook.commands import Printed
from workbook.errors import WorkbookError
from workbook.tables import events
from workbook.watching import Object, condition, follow


class WaitTimeout(WorkbookError):
    """What was waited for did not happen within the bound."""


ENDS = "The program ends right after its start: read why with `%kubectl logs POD`, or with `--previous` when it was just started again."
# What holds a Pod up, or warns about it, by a word of the reason or the message → what to do about it. The first counts.
FIXES = {
    "ErrImageNeverPull": "The image is not on the node: build it and load it (notebook 02), or correct its name or tag.",
    "ErrImagePull": "Correct the image's name or tag, or load the image onto the node (notebook 02).",
    "ImagePullBackOff": "Correct the image's name or tag, or load the image onto the node (notebook 02).",
    "CrashLoopBackOff": ENDS,
    "BackOff": ENDS,
    "Unhealthy": "Nothing answers where the probe asks: compare its path and port with those of the program.",
    "disk-pressure": "The disk of the node is full: make room on it, such as with `docker system prune`.",
    "Unschedulable": "No node has room for it: ask for less in `resources.requests`, or delete other Pods.",
    "CreateContainerConfigError": "The Pod names a ConfigMap or Secret that does not exist.",
    "CreateContainerError": "The container's command or name is wrong: see the event's message.",
}


def patience() -> float:
    """By what the bounds of all waits are multiplied: `WORKBOOK_PATIENCE`, for a slow machine `2`; 1 when not set.

    Raises:
        WorkbookError: it is no number above 0.
    """
    told = os.environ.get("WORKBOOK_PATIENCE", "1")
    try:
        factor = float(told)
    except ValueError:
        factor = 0
    if factor > 0:
        return factor
    raise WorkbookError(f"WORKBOOK_PATIENCE is {told!r}, and no number above 0.", fix="Set it to 2, or unset it.")


def wait_for(
    resource: str,
    unmet: Callable[[list[Object]], str],
    *,
    what: str,
    selector: str = "",
    field_selector: str = "",
    about: str = "",
    timeout: float = 120,
) -> list[Object]:
    """Waits until `unmet` has nothing to say of the objects, and returns them.

    Args:
        resource: kubectl's plural word.
        unmet: is given the objects at once and again after every change; returns what is still missing, in words,
            or `""` when the wait is over. May raise to end a wait that cannot succeed.
        what: what is waited for, for the error.
        selector, field_selector: which objects of the workbook's Namespace.
        about: a label selector of the Pods that can tell why it takes so long; `selector` when not given.
        timeout: seconds.

    Raises:
        WaitTimeout: with what was missing, and what the Pods and events say about it.
    """
    missing = "no answer from the API server"
    timeout *= patience()
    for state in follow(resource, selector=selector, field_selector=field_selector, timeout=timeout):
        found = list(state.values())
        if not (missing := unmet(found)):
            return found
    reason, fix = explain(about or selector) if about or selector else ("", "")
    raise WaitTimeout(
        f"Waited {timeout:.0f} s for {what}, in vain: {missing}.",
        reason,
        fix or "Look at `events(…, wide=True)` and `%kubectl describe` for the cause, then run this cell again.",
    )


def explain(selector: str) -> tuple[str, str]:
    """Why the Pods that `selector` matches are not ready, and what to do: (reason, fix), empty when unknown."""
    lines, fix = [], ""
    for pod in list_objects("pods", label_selector=selector)["items"]:
        for waiting in waiting_reasons(pod):
            lines.append(f"Pod {pod['metadata']['name']}: {waiting['reason']}: {waiting.get('message', '')}")
            fix = fix or _fix(lines[-1])
    warnings = events(selector, wide=True)
    for kind, event in warnings[warnings["TYPE"] == "Warning"].tail(1).iterrows():
        lines.append(f"last warning, of {kind} {event['NAME']}: {event['REASON']}: {event['MESSAGE']}")
        fix = fix or _fix(lines[-1])
    return "\n".join(lines), fix


def _fix(told: str) -> str:
    return next((fix for word, fix in FIXES.items() if re.search(rf"\b{word}\b", told)), "")


def waiting_reasons(pod: Object) -> list[dict[str, Any]]:
    """What keeps a Pod from running, as `reason` and `message`: its waiting containers, or why it has no node."""
    status = pod.get("status", {})
    found = [
        container["state"]["waiting"]
        for container in status.get("containerStatuses", [])
        if container.get("state", {}).get("waiting", {}).get("reason")
    ]
    return found + [
        condition
        for condition in status.get("conditions", [])
        if condition["type"] == "PodScheduled" and condition["status"] == "False"
    ]


def ready(pod: Object) -> bool:
    """Whether the Pod's Ready condition is true and it is not being deleted."""
    return condition(pod, "Ready") and "deletionTimestamp" not in pod["metadata"]


def pods_ready(selector: str, count: int, *, timeout: float = 120) -> None:
    """Waits until just `count` Pods match `selector`, each of them Ready, none of them on its way out.

    Args:
        timeout: seconds.

    Raises:
        WaitTimeout: with the waiting reason of the Pods and their last warning.

    Documentation: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
    """

    def unmet(found: list[Object]) -> str:
        good = sum(map(ready, found))
        return "" if good == len(found) == count else f"{good} ready, {len(found) - good} not"

    wait_for("pods", unmet, what=f"{count} ready Pod(s) with {selector}", selector=selector, timeout=timeout)


def waiting_for(selector: str, reason: str, *, timeout: float = 60) -> Printed:
    """Waits until a Pod that matches `selector` is held up for `reason`, and returns the kubelet's message about it.

    Args:
        selector: a label selector such as `"app=webapp"`.
        reason: the kubelet's word, such as `"ErrImageNeverPull"`.
        timeout: seconds.

    Raises:
        WaitTimeout: no Pod is held up for that reason.

    Documentation: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-state-waiting
    """

    def messages(found: list[Object]) -> list[str]:
        return [held.get("message", "") for pod in found for held in waiting_reasons(pod) if held["reason"] == reason]

    def unmet(found: list[Object]) -> str:
        return "" if messages(found) else f"none of {len(found)} Pod(s) is"

    found = wait_for("pods", unmet, what=f"a Pod to be held up by {reason}", selector=selector, timeout=timeout)
    return Printed(messages(found)[0])


def restarted(selector: str, times: int = 1, *, timeout: float = 120) -> None:
    """Waits until a container of a Pod that matches `selector` has been started again `times` times.

    Args:
        selector: a label selector such as `"app=webapp"`.
        times: how often, counted from the Pod's beginning.
        timeout: seconds.

    Raises:
        WaitTimeout: none was; says how often they were.

    Documentation: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
    """

    def unmet(found: list[Object]) -> str:
        most = max(map(restarts, found), default=0)
        return "" if most >= times else f"{most} so far, of {len(found)} Pod(s)"

    wait_for("pods", unmet, what=f"{times} restart(s) of {selector}", selector=selector, timeout=timeout)


def restarts(pod: Object) -> int:
    """How often the Pod's containers were started again."""
    return sum(container["restartCount"] for container in pod.get("status", {}).get("containerStatuses", []))


def endpoints(service: str, count: int, *, timeout: float = 60) -> list[str]:
    """Waits until just `count` ready Pods stand behind a Service, and returns their addresses, sorted.

    Args:
        service: its name.
        count: how many; 0 waits until there are none.
        timeout: seconds.

    Raises:
        WaitTimeout: another number stands behind it; says which, and holds the selector against the Pods' labels.

    Documentation: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
    """

    def addresses(slices: list[Object]) -> list[str]:
        return sorted(
            address
            for one in slices
            for endpoint in one.get("endpoints") or []
            if endpoint.get("conditions", {}).get("ready", True)
            for address in endpoint["addresses"]
        )

    def unmet(slices: list[Object]) -> str:
        there = addresses(slices)
        return "" if len(there) == count else f"there are {len(there)}: {', '.join(there)}"

    selector = f"kubernetes.io/service-name={service}"
    what = f"{count} endpoint(s) of the Service {service}"
    try:
        return addresses(wait_for("endpointslices", unmet, what=what, selector=selector, timeout=timeout))
    except WaitTimeout as error:
        raise WaitTimeout(error.what, *_why_these_endpoints(service)) from None


def _why_these_endpoints(service: str) -> tuple[str, str]:
    """What a Service selects and what there is: (reason, fix)."""
    found = list_objects("services", field_selector=f"metadata.name={service}")["items"]
    if not found:
        return f"There is no Service {service!r} in this Namespace.", "Apply its manifest first."
    selector = label_selector(found[0]["spec"].get("selector", {}))
    if list_objects("pods", label_selector=selector)["items"]:
        reason, fix = explain(selector)
        return (
            reason or f"The Pods with {selector} are not all ready.",
            fix or "Wait for them with `pods_ready(…)`.",
        )
    there = {label_selector(pod["metadata"].get("labels", {})) for pod in list_objects("pods")["items"]}
    return (
        f"The Service selects {selector}; no Pod has that. There are: {'; '.join(sorted(there)) or 'no Pods'}.",
        f"Correct the Service's selector, or the Pods' labels: `kubectl set selector service {service} …`.",
    )


def label_selector(labels: dict[str, str]) -> str:
    """`{"app": "webapp"}` as kubectl writes it: `app=webapp`."""
    return ",".join(f"{key}={value}" for key, value in labels.items())


def gone(resource: str, selector: str = "", *, timeout: float = 120) -> None:
    """Waits until no object of `resource` matches `selector` any more.

    Args:
        timeout: seconds. A Pod may take its grace period, 30 s unless it says otherwise, to end.

    Raises:
        WaitTimeout: names what is still there.
    """

    def unmet(found: list[Object]) -> str:
        return ", ".join(item["metadata"]["name"] for item in found) and f"{len(found)} still there"

    wait_for(resource, unmet, what=f"the end of the {resource} {selector}".rstrip(), selector=selector, timeout=timeout)


def rollout_status(deployment: str, *, timeout: float = 120) -> Printed:
    """Waits until the Deployment's Pods are all of its newest kind and ready, and the old ones are gone.

    Args:
        deployment: its name.
        timeout: seconds.

    Returns:
        The line with which `kubectl rollout status` ends.

    Raises:
        WaitTimeout: with the Pods' waiting reason, their last warning, and the fix.
        WorkbookError: there is no such Deployment.

    Documentation: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
    """
    listed = list_objects("deployments", field_selector=f"metadata.name={deployment}")["items"]
    if not listed:
        raise WorkbookError(
            f"There is no Deployment {deployment!r} in this Namespace.",
            fix="Apply its manifest first: run the cells above, from `begin(…)` on.",
        )
    selector = label_selector(listed[0]["spec"]["selector"].get("matchLabels", {}))

    def unmet(found: list[Object]) -> str:
        if not found:
            return "the Deployment was deleted"
        wanted, status = found[0]["spec"]["replicas"], found[0].get("status", {})
        if status.get("observedGeneration", 0) < found[0]["metadata"]["generation"]:
            return "the Deployment controller has not seen the change yet"
        in_all, updated, available = (
            status.get(count, 0) for count in ("replicas", "updatedReplicas", "availableReplicas")
        )
        return (
            ""
            if in_all == updated == available == wanted
            else (f"of {wanted} wanted, {updated} updated and {available} available; {in_all} in all")
        )

    found = wait_for(
        "deployments",
        unmet,
        what=f"the rollout of {deployment}",
        timeout=timeout,
        field_selector=f"metadata.name={deployment}",
        about=selector,
    )
    pods_ready(selector, found[0]["spec"]["replicas"], timeout=timeout)
    return Printed(f'deployment "{deployment}" successfully rolled out')
