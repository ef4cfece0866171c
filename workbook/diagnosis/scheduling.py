"""Why a Pod has no node."""

import re

from workbook.diagnosis.fixes import DISK_FIX
from workbook.kube.objects import Object

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


def unscheduled_fault(pod: Object, reason: str, message: str) -> tuple[str, str]:
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
