"""Waits that end as soon as the thing has happened, or at their bound with the reason why it has not."""

import os
from collections.abc import Callable

from workbook.base.bar import bar
from workbook.base.errors import WorkbookError
from workbook.base.processes import Printed
from workbook.cluster.current import api
from workbook.kube.objects import Object, label_selector, ready, restarts, waiting_reasons
from workbook.kube.watch import follow
from workbook.lessons.diagnose import Diagnosis, diagnose


class WaitTimeout(WorkbookError):
    """What was waited for did not happen within the bound."""


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
    with bar(f"Waiting for {what}", timeout) as say:
        for state in follow(api(), resource, selector=selector, field_selector=field_selector, timeout=timeout):
            found = list(state.values())
            if not (missing := unmet(found)):
                return found
            say(missing)
    found = diagnose(about or selector, wide=True) if about or selector else Diagnosis()
    raise WaitTimeout(f"Waited {timeout:.0f} s for {what}, in vain: {missing}.", *told(found))


def told(found: Diagnosis) -> tuple[str, str]:
    """The findings as an error's reason and fix."""
    if not found:
        return "", "Look at `events(…, wide=True)` and `%kubectl describe` for the cause, then run this cell again."
    reasons = "\n".join(f"{one.subject}: {one.reason}. {one.why}" for one in found)
    return reasons, "\n".join(dict.fromkeys(one.fix for one in found))


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
        if api().find("services", service):
            about = [one for one in diagnose(wide=True) if one.subject == f"Service {service}"]
            raise WaitTimeout(error.what, *told(Diagnosis(about))) from None
        raise WaitTimeout(error.what, f"There is no Service {service!r} here.", "Apply its manifest first.") from None


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
    found = api().find("deployments", deployment)
    if not found:
        raise WorkbookError(
            f"There is no Deployment {deployment!r} in this Namespace.",
            fix="Apply its manifest first: run the cells above, from `begin(…)` on.",
        )
    selector = label_selector(found["spec"]["selector"].get("matchLabels", {}))

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
