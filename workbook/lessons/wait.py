"""Waits that end as soon as a condition is met, or at a deadline with the reason why it is not met."""

import os
import time
from collections.abc import Callable

from workbook.base.bar import bar
from workbook.base.errors import WorkbookError
from workbook.base.processes import Printed
from workbook.cluster.choose import Provider, choose
from workbook.cluster.current import api
from workbook.diagnosis.findings import Diagnosis
from workbook.kube.objects import Object, full_selector, ready, restarts, waiting_reasons
from workbook.kube.watch import follow
from workbook.lessons.diagnose import diagnose
from workbook.lessons.kubectl import print_command


class WaitTimeout(WorkbookError, TimeoutError):
    """A condition was not met in time."""


def patience() -> float:
    """The factor for the timeouts of all waits: `WORKBOOK_PATIENCE`, such as 2 on a slow machine; 1 when not set.

    Raises:
        WorkbookError: it is not a number above 0.
    """
    value = os.environ.get("WORKBOOK_PATIENCE", "1")
    try:
        factor = float(value)
    except ValueError:
        factor = 0
    if factor > 0:
        return factor
    raise WorkbookError(
        f"WORKBOOK_PATIENCE is {value!r}, which is not a number above 0.", fix="Set it to 2, or unset it."
    )


def wait_for(
    resource: str,
    unmet: Callable[[list[Object]], str],
    *,
    what: str,
    selector: str = "",
    field_selector: str = "",
    about: str = "",
    timeout: float = 120,
    since: float | None = None,
) -> list[Object]:
    """Wait until `unmet` returns an empty string, and return the objects as they are then.

    Args:
        resource: kubectl's plural word.
        unmet: called with the objects, at once and again after every change; returns what is still missing, in words,
            or `""` to end the wait. May raise an error to end a wait that cannot succeed.
        what: what the wait is for, in the words of the error.
        selector, field_selector: which objects of the workbook's namespace.
        about: a label selector of the Pods to diagnose after a timeout; `selector` when empty.
        timeout: seconds.
        since: the start of the timeout, by `time.monotonic()`, if other waits share it; now when None.

    Raises:
        WaitTimeout: with what was missing, and with a diagnosis of the Pods.
    """
    now = time.monotonic()
    timeout *= patience()
    left = (now if since is None else since) + timeout - now
    missing = "no answer from the API server"
    with bar(f"Waiting for {what}", timeout) as show_detail:
        left = max(left, 0.01)  # look once, even if an earlier wait took all the time
        for state in follow(api(), resource, selector=selector, field_selector=field_selector, timeout=left):
            found = list(state.values())
            if not (missing := unmet(found)):
                return found
            show_detail(missing)
    diagnosis = diagnose(about or selector, wide=True) if about or selector else Diagnosis()
    raise WaitTimeout(f"Timed out after {timeout:.0f} s waiting for {what}: {missing}.", *_explained(diagnosis))


def _explained(diagnosis: Diagnosis) -> tuple[str, str]:
    """A diagnosis as an error's reason and fix."""
    if not diagnosis:
        return "", "Look at `events(…, wide=True)` and `%kubectl describe` for the cause, then run this cell again."
    reasons = [f"{finding.subject}: {finding.reason}. {finding.why}" for finding in diagnosis]
    return "\n".join(reasons), "\n".join(dict.fromkeys(finding.fix for finding in diagnosis))


def pods_ready(selector: str, count: int, *, timeout: float = 120, since: float | None = None) -> None:
    """Wait until exactly `count` Pods match `selector`, each of them Ready, none of them being deleted.

    Args:
        selector: a label selector such as `"app=webapp"`.
        count: how many.
        timeout: seconds.
        since: as in `wait_for`.

    Raises:
        WaitTimeout: with a diagnosis of the Pods.

    Documentation: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
    """
    print_command("wait", "--for=condition=Ready", "pods", f"--selector={selector}")
    await_pods(selector, count, timeout, since)


def await_pods(selector: str, count: int, timeout: float, since: float | None) -> None:
    """Wait as `pods_ready` does, but print nothing."""

    def unmet(found: list[Object]) -> str:
        good = sum(map(ready, found))
        return "" if good == len(found) == count else f"{good} ready, {len(found) - good} not ready"

    what = f"{count} ready Pod(s) with {selector}"
    wait_for("pods", unmet, what=what, selector=selector, timeout=timeout, since=since)


NEVER_PULLED = "ErrImageNeverPull"
"""The kubelet's word for an image that is not on the node, and that it may not pull."""


def waiting_for(selector: str, reason: str, *, timeout: float = 60) -> Printed:
    """Wait until a Pod that matches `selector` cannot start because of `reason`, and return the kubelet's message.

    Args:
        selector: a label selector such as `"app=webapp"`.
        reason: the kubelet's word, such as `"ErrImageNeverPull"`.
        timeout: seconds.

    Raises:
        WaitTimeout: no Pod waits for that reason.
        WorkbookError: no Pod can, because the nodes of this cluster pull images from a registry.

    Documentation: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-state-waiting
    """
    if reason == NEVER_PULLED and choose()[0] is Provider.EXISTING:
        raise WorkbookError(
            f"No Pod waits with the reason {reason} on this cluster.",
            "Its nodes pull the images from a registry, so the pull policy of the manifests is Always there.",
            "Read the recorded output, then go on with the next build.",
        )
    print_command("get", "pods", f"--selector={selector}")

    def messages(found: list[Object]) -> list[str]:
        return [
            entry.get("message", "") for pod in found for entry in waiting_reasons(pod) if entry["reason"] == reason
        ]

    def unmet(found: list[Object]) -> str:
        return "" if messages(found) else f"none of {len(found)} Pod(s) does"

    found = wait_for("pods", unmet, what=f"a Pod to report {reason}", selector=selector, timeout=timeout)
    return Printed(messages(found)[0])


def restarted(selector: str, times: int = 1, *, timeout: float = 120) -> None:
    """Wait until the containers of a Pod that matches `selector` have been restarted `times` times.

    Args:
        selector: a label selector such as `"app=webapp"`.
        times: how often, counted since the Pod was created.
        timeout: seconds.

    Raises:
        WaitTimeout: with the number of restarts so far.

    Documentation: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
    """
    print_command("get", "pods", f"--selector={selector}", "--watch")

    def unmet(found: list[Object]) -> str:
        most = max(map(restarts, found), default=0)
        return "" if most >= times else f"{most} so far, with {len(found)} Pod(s)"

    wait_for("pods", unmet, what=f"{times} restart(s) of {selector}", selector=selector, timeout=timeout)


def endpoints(service: str, count: int, *, timeout: float = 60) -> list[str]:
    """Wait until a Service has exactly `count` ready endpoints, and return their addresses, sorted.

    Args:
        service: its name.
        count: how many; 0 waits until there are none.
        timeout: seconds.

    Raises:
        WaitTimeout: with the number it has, and a comparison of its selector with the Pods' labels.

    Documentation: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
    """
    selector = f"kubernetes.io/service-name={service}"
    print_command("get", "endpointslices", f"--selector={selector}")

    def addresses(slices: list[Object]) -> list[str]:
        # A dual-stack Service has slices of both address types, with the same Pods.
        chosen = [item for item in slices if item.get("addressType") == "IPv4"] or slices
        # A set, because an endpoint can be in two slices while the control plane moves it.
        found = {
            endpoint["addresses"][0]  # kube-proxy doesn't look at further addresses either
            for item in chosen
            for endpoint in item.get("endpoints") or []
            if endpoint.get("conditions", {}).get("ready", True)
        }
        return sorted(found)

    def unmet(slices: list[Object]) -> str:
        found = addresses(slices)
        return "" if len(found) == count else ", ".join([f"there are {len(found)}", *found])

    what = f"{count} endpoint(s) of the Service {service}"
    try:
        return addresses(wait_for("endpointslices", unmet, what=what, selector=selector, timeout=timeout))
    except WaitTimeout as error:
        if not api().find("services", service):
            raise WaitTimeout(
                error.what, f"There is no Service {service!r} in this Namespace.", "Apply its manifest first."
            ) from None
        about = [finding for finding in diagnose(wide=True) if finding.subject == f"Service {service}"]
        raise WaitTimeout(error.what, *_explained(Diagnosis(about))) from None


def gone(resource: str, selector: str = "", *, timeout: float = 120) -> None:
    """Wait until no object of `resource` matches `selector` any more.

    Args:
        resource: kubectl's plural word.
        selector: a label selector; all objects when empty.
        timeout: seconds. A Pod may take its grace period, 30 s by default, to end.

    Raises:
        WaitTimeout: with the number of objects that remain.
    """
    print_command("wait", "--for=delete", resource, f"--selector={selector}" if selector else "--all")
    await_end(resource, selector, timeout=timeout)


def await_end(resource: str, selector: str = "", *, timeout: float = 120) -> None:
    """Wait as `gone` does, but print nothing."""

    def unmet(found: list[Object]) -> str:
        return f"{len(found)} still exist" if found else ""

    wait_for(
        resource, unmet, what=f"the deletion of the {resource} {selector}".rstrip(), selector=selector, timeout=timeout
    )


def rollout_status(deployment: str, *, timeout: float = 120) -> Printed:
    """Wait until all Pods of a Deployment belong to its newest revision and are ready, and the old ones are gone.

    Args:
        deployment: its name.
        timeout: seconds.

    Returns:
        The line with which `kubectl rollout status` ends.

    Raises:
        WaitTimeout: with a diagnosis of the Pods.
        WorkbookError: there is no such Deployment.

    Documentation: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
    """
    print_command("rollout", "status", f"deployment/{deployment}")
    await_rollout(deployment, timeout=timeout)
    return Printed(f'deployment "{deployment}" successfully rolled out')


def await_rollout(deployment: str, *, timeout: float = 120) -> None:
    """Wait as `rollout_status` does, but print nothing."""
    begun = time.monotonic()
    found = api().find("deployments", deployment)
    if not found:
        raise WorkbookError(
            f"There is no Deployment {deployment!r} in this Namespace.",
            fix="Apply its manifest first: run the cells above, from `begin(…)` on.",
        )
    selector = full_selector(found["spec"]["selector"])

    def unmet(deployments: list[Object]) -> str:
        if not deployments:
            return "the Deployment was deleted"
        (item,) = deployments
        wanted, status = item["spec"]["replicas"], item.get("status", {})
        if status.get("observedGeneration", 0) < item["metadata"]["generation"]:
            return "the Deployment controller has not seen the change yet"
        total, updated, available = (status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas"))
        if total == updated == available == wanted:
            return ""
        return f"of {wanted} desired Pods, {updated} updated and {available} available; {total} in all"

    (item,) = wait_for(
        "deployments",
        unmet,
        what=f"the rollout of {deployment}",
        field_selector=f"metadata.name={deployment}",
        about=selector,
        timeout=timeout,
        since=begun,
    )
    # The Deployment no longer counts Pods that are being deleted.
    await_pods(selector, item["spec"]["replicas"], timeout, begun)
