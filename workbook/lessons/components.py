"""Kubernetes' own parts, found on the running cluster."""

from typing import Any

import pandas as pd

from workbook.cluster.current import api
from workbook.kube.objects import condition

# The part's name in the documentation → how its Pods in kube-system are labelled.
PODS = {
    "kube-apiserver": "component=kube-apiserver",
    "etcd": "component=etcd",
    "kube-scheduler": "component=kube-scheduler",
    "kube-controller-manager": "component=kube-controller-manager",
    "kube-proxy": "k8s-app=kube-proxy",
    "CoreDNS": "k8s-app=kube-dns",
}
# What started a Pod → how to call it. A Pod that the node itself owns was read by the kubelet from a file.
STARTED_BY = {"Node": "static Pod", "DaemonSet": "Pod of a DaemonSet", "ReplicaSet": "Pod of a Deployment"}
HIDDEN = "not visible here"


def components(*, wide: bool = False) -> pd.DataFrame:
    """Finds the parts of Kubernetes that the architecture diagram shows.

    Args:
        wide: their versions, too.

    Returns:
        One row per part; the index is COMPONENT, the columns are RUNS AS and READY (True or False). `wide` adds
        VERSION. A managed cluster hides its control plane: those parts are then `not visible here`.

    Raises:
        WorkbookError: no cluster, or no answer from the API server.

    Documentation: https://kubernetes.io/docs/concepts/overview/components/
    """
    rows = {name: _pod(selector) for name, selector in PODS.items()}
    node = api().objects("nodes")[0]
    ready, info = condition(node, "Ready"), node["status"]["nodeInfo"]
    rows["kubelet"] = ["program on the node", ready, info["kubeletVersion"]]
    rows["container runtime"] = ["program on the node", ready, info["containerRuntimeVersion"]]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["RUNS AS", "READY", "VERSION"])
    frame = frame.rename_axis(index=None, columns="COMPONENT")
    return frame if wide else frame.drop(columns="VERSION")


def _pod(selector: str) -> list[Any]:
    """How a part runs, whether its Pods are all ready, and the tag of its image."""
    found = api().objects("pods", "kube-system", label_selector=selector)
    if not found:
        return [HIDDEN, False, ""]
    owner = next(iter(found[0]["metadata"].get("ownerReferences", [])), {"kind": "Pod"})["kind"]
    containers = [status for pod in found for status in pod["status"].get("containerStatuses", [])]
    image = found[0]["spec"]["containers"][0]["image"]
    return [STARTED_BY.get(owner, owner), all(status["ready"] for status in containers), image.rpartition(":")[2]]
