"""Read facts from the JSON of a Kubernetes object."""

from typing import Any

Object = dict[str, Any]
ENDED = {"Succeeded", "Failed"}
"""Phases of Pods that no Service lists any more."""


def name(metadata: Object, full: bool = False) -> str:
    """Return an object's name. Unless `full`, `*` replaces generated parts: a Pod's suffix, a template's hash, a node's name.

    A StatefulSet numbers its Pods, so their names are the same in every run.

    Documentation: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label
    """
    whole: str = metadata["name"]
    owners = metadata.get("ownerReferences", [])
    if full or any(owner["kind"] == "StatefulSet" for owner in owners):
        return whole
    stem: str = metadata.get("generateName", "")
    template: str = metadata.get("labels", {}).get("pod-template-hash", "")
    if stem:
        return stem.removesuffix(f"{template}-" if template else "") + "*"
    generated = template or next((owner["name"] for owner in owners if owner["kind"] == "Node"), "")
    return whole.removesuffix(generated) + "*" if generated else whole


def condition(item: Object, type_: str) -> bool:
    """Whether an object's condition is true, such as `Ready` of a node or a Pod."""
    return any(
        entry["type"] == type_ and entry["status"] == "True" for entry in item.get("status", {}).get("conditions", [])
    )


def ready(pod: Object) -> bool:
    """Whether the Pod's Ready condition is true and it is not being deleted."""
    return condition(pod, "Ready") and "deletionTimestamp" not in pod["metadata"]


def selects(service: Object, pod: Object) -> bool:
    """Whether a Service's selector matches the labels of a Pod, or of a Pod template."""
    selector: dict[str, str] = service["spec"].get("selector") or {}
    return bool(selector) and selector.items() <= pod["metadata"].get("labels", {}).items()


def takes_pods(node: Object) -> bool:
    """Whether a node is Ready, and has no taint that keeps ordinary Pods away.

    Documentation: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
    """
    effects = {taint["effect"] for taint in node.get("spec", {}).get("taints", [])}
    return condition(node, "Ready") and not effects & {"NoSchedule", "NoExecute"}


def containers(pod: Object) -> list[dict[str, Any]]:
    """Return the status of each container of a Pod, init containers first; empty until the kubelet has seen the Pod."""
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def restarts(pod: Object) -> int:
    """Return how often the Pod's containers were restarted."""
    return sum(container["restartCount"] for container in containers(pod))


def waiting_reasons(pod: Object) -> list[dict[str, Any]]:
    """Return `reason` and `message` of everything that keeps a Pod from running: waiting containers, or a missing node."""
    found = [
        container["state"]["waiting"]
        for container in containers(pod)
        if container.get("state", {}).get("waiting", {}).get("reason")
    ]
    return found + [
        {"reason": "Pending", **entry}  # a condition needs no reason
        for entry in pod.get("status", {}).get("conditions", [])
        if entry["type"] == "PodScheduled" and entry["status"] == "False"
    ]


EXPRESSIONS = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}
"""The operators of a LabelSelector, and how kubectl writes their expressions."""


def full_selector(selector: Object) -> str:
    """Format the LabelSelector of a Deployment or another workload as a selector for kubectl: `app=webapp,tier in (web,api)`.

    Documentation: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements
    """
    expressions = [
        EXPRESSIONS[each["operator"]].format(key=each["key"], values=",".join(each.get("values") or []))
        for each in selector.get("matchExpressions") or []
    ]
    return ",".join(filter(None, [label_selector(selector.get("matchLabels") or {}), *expressions]))


def label_selector(labels: dict[str, str]) -> str:
    """Format labels as a selector for kubectl: `app=webapp` for `{"app": "webapp"}`."""
    return ",".join(f"{key}={value}" for key, value in labels.items())
