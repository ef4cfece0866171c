"""The manifests of a class: what all learners share, and what each learner gets."""

import ipaddress
import tempfile
from pathlib import Path

from workbook.base.paths import ROOT
from workbook.classroom.administrator import Administrator

MANIFESTS = ROOT / "classroom"
PRIVATE = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"]
"""All private addresses, Pods' among them: https://www.rfc-editor.org/rfc/rfc1918, https://www.rfc-editor.org/rfc/rfc6598"""


def ranges_of_pods(administrator: Administrator) -> list[str]:
    """Return the IPv4 ranges of the cluster's Pods, such as `10.244.0.0/24`; all private ones if a node doesn't state its own."""
    nodes = administrator.read("get", "nodes", "-o", "jsonpath={range .items[*]}{.spec.podCIDRs[*]};{end}")
    stated = [
        [word for word in ranges.split() if ipaddress.ip_network(word).version == 4] for ranges in nodes.split(";")[:-1]
    ]
    return sorted({word for words in stated for word in words}) if stated and all(stated) else PRIVATE


def apply_shared(administrator: Administrator) -> None:
    """Apply classroom/cluster.yaml, and visitor.yaml if the cluster has such policies. Raises what `Administrator.run` raises."""
    administrator.run("apply", "-f", str(MANIFESTS / "cluster.yaml"))
    if has_mutating_policies(administrator):
        administrator.run("apply", "-f", str(MANIFESTS / "visitor.yaml"))


def has_mutating_policies(administrator: Administrator) -> bool:
    """Whether the cluster has MutatingAdmissionPolicies, as Kubernetes 1.36 and newer."""
    resources = administrator.read("get", "--raw", "/apis/admissionregistration.k8s.io/v1")
    return '"mutatingadmissionpolicies"' in resources


def apply_learner(administrator: Administrator, learner: str, pods: list[str]) -> None:
    """Apply classroom/learner.yaml for a learner.

    Args:
        administrator: an administrator of the cluster.
        learner: the learner's name.
        pods: the IPv4 ranges of the cluster's Pods.

    Raises:
        WorkbookError: kubectl failed.
    """
    text = (MANIFESTS / "learner.yaml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder, f"{learner}.yaml")
        manifest.write_text(text.replace("LEARNER", learner).replace("PODS", ", ".join(pods)), encoding="utf-8")
        administrator.run("apply", "-f", str(manifest))
