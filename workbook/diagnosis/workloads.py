"""Faults of Deployments, ReplicaSets and StatefulSets: rollouts that do not finish, and Pods that may not be created."""

import re

from workbook.diagnosis.events import cause, events_of, version
from workbook.kube.objects import Object

EXCEEDED = re.compile("exceeded quota: (.+?), requested: (.+?), used: (.+?), limited: (.+)")
UNSTATED = re.compile("failed quota: (.+?): must specify (.+)")
"""The API server's messages about a quota: it does not allow as much, or it requires that a Pod states its needs."""


def rollout_fault(deployment: Object, replicasets: list[Object], hindered: set[str]) -> tuple[str, str, str] | None:
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
    owned = [item for item in replicasets if owner_uid(item) == metadata["uid"]]
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


def owner_uid(item: Object) -> str:
    """The UID of an object's controller; "" if it has none."""
    owners = item["metadata"].get("ownerReferences", [])
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


def _revision(item: Object) -> str:
    """The number of a ReplicaSet's revision, or of a Deployment's current one."""
    return str(item["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision", ""))


def failed_create(statefulset: Object, events: list[Object]) -> str:
    """The API server's message if a StatefulSet may not create its next Pod or that Pod's claim; "" if it may.

    Unlike a ReplicaSet, a StatefulSet has no condition for this, only an event.
    """
    if statefulset.get("status", {}).get("replicas", 0) >= statefulset["spec"]["replicas"]:
        return ""
    newest = max(events_of(statefulset, events), key=version, default={})
    refused = newest.get("reason") == "FailedCreate"
    return str(newest.get("message", "")).rpartition(" failed error: ")[2] if refused else ""


def replica_fault(entry: Object) -> tuple[str, str]:
    """Why a ReplicaSet cannot create or delete its Pods, from its condition ReplicaFailure, and the fix."""
    if entry["reason"] == "FailedCreate":
        return refused_fault(entry["message"])
    return f"{cause(entry['message'])}.", "Look at `%kubectl describe replicasets`."


def refused_fault(message: str) -> tuple[str, str]:
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
        f"It may not create its Pods: {cause(message)}.",
        "Correct the Deployment's manifest, or the quota or policy that does not allow it.",
    )
