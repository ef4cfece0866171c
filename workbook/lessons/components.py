"""Components of Kubernetes, as they run on the cluster."""

import pandas as pd

from workbook.cluster.current import api
from workbook.kube import objects
from workbook.lessons.tables import headed

PODS = {
    "kube-apiserver": "component=kube-apiserver",
    "etcd": "component=etcd",
    "kube-scheduler": "component=kube-scheduler",
    "kube-controller-manager": "component=kube-controller-manager",
    "kube-proxy": "k8s-app=kube-proxy",
    "CoreDNS": "k8s-app=kube-dns",
}
"""A component's name in the documentation → the label of its Pods in kube-system."""
# The owner of a Pod → how the component runs. A static Pod belongs to its node, whose kubelet reads it from a file.
OWNED_BY = {"Node": "static Pod", "DaemonSet": "Pod of a DaemonSet", "ReplicaSet": "Pod of a Deployment"}


def components(*, wide: bool = False) -> pd.DataFrame:
    """Return the components of Kubernetes that the architecture diagram shows.

    Args:
        wide: also their versions.

    Returns:
        One row per component; the index is COMPONENT, the columns are RUNS AS and READY (True or False). `wide` adds
        VERSION. A managed cluster hides its control plane: those components are then `not visible here`.

    Raises:
        WorkbookError: no cluster, or no answer from the API server.

    Documentation: https://kubernetes.io/docs/concepts/overview/components/
    """
    node = api().objects("nodes")[0]
    ready, info = objects.condition(node, "Ready"), node["status"]["nodeInfo"]
    rows = [(name, *_find(selector)) for name, selector in PODS.items()]
    rows.append(("kubelet", "program on the node", ready, info["kubeletVersion"]))
    rows.append(("container runtime", "program on the node", ready, info["containerRuntimeVersion"]))
    frame = headed(pd.DataFrame(rows, columns=["COMPONENT", "RUNS AS", "READY", "VERSION"]))
    return frame if wide else frame.drop(columns="VERSION")


def _find(selector: str) -> tuple[str, bool, str]:
    """How a component runs, whether all its Pods are ready, and the tag of its image."""
    pods = api().objects("pods", "kube-system", label_selector=selector)
    if not pods:
        return "not visible here", False, ""
    owner = next(iter(pods[0]["metadata"].get("ownerReferences", [])), {"kind": "Pod"})["kind"]
    image: str = pods[0]["spec"]["containers"][0]["image"]
    return OWNED_BY.get(owner, owner), all(map(objects.ready, pods)), image.rpartition(":")[2]
