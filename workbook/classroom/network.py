"""Make sure that a shared cluster enforces NetworkPolicies, which keep learners' Pods apart.

The API server accepts NetworkPolicies on each cluster, but only a network plugin enforces them:
https://kubernetes.io/docs/concepts/services-networking/network-policies/#prerequisites
"""

import tempfile
from pathlib import Path

import node
from workbook.base.paths import ROOT
from workbook.classroom.administrator import Administrator
from workbook.cluster.current import made
from workbook.cluster.kind import Kind
from workbook.engine.pull import load

MANIFEST = ROOT / "classroom" / "network.yaml"
OURS = "workbook-network"
"""The name of the DaemonSet in `MANIFEST`."""
ENFORCING = {
    "anetd",  # Google's Dataplane V2
    "antrea-agent",
    "azure-npm",
    "calico-node",
    "cilium",
    "kindnet",  # in kind's own node image
    "kube-network-policies",
    "kube-router",
    "ovnkube-node",
}
"""The DaemonSets of network plugins that enforce NetworkPolicies."""


def enforce_policies(administrator: Administrator) -> None:
    """Print which plugin enforces NetworkPolicies; install one if the workbook has built the node image of this kind cluster.

    Raises:
        WorkbookError: the plugin cannot be built or started, or the bundle doesn't contain it.
    """
    words = ("get", "daemonsets", "--all-namespaces", "-o", "jsonpath={.items[*].metadata.name}")
    if found := ENFORCING.intersection(administrator.read(*words).split()):
        print(f"✓ {', '.join(sorted(found))} enforces NetworkPolicies.\n")
    elif cluster := _built_here(administrator.context):
        _install(administrator, cluster)
    else:
        print(
            "! No known network plugin enforces NetworkPolicies on this cluster. Without one, the Pods of learners can reach each other.\n"
            "  Install one, such as Calico or Cilium, or switch on your cloud's own. If you have another one, ignore this.\n"
        )


def _built_here(context: str) -> Kind | None:
    """The workbook's kind cluster that a context names, if its node image was built from source."""
    ours = (cluster for cluster in made() if isinstance(cluster, Kind) and cluster.context == context)
    return next((cluster for cluster in ours if cluster.built_here), None)


def _install(administrator: Administrator, cluster: Kind) -> None:
    bundle = cluster.settings.bundle
    image = load(cluster.engine, *bundle.archive("network")) if bundle else node.network_image(cluster.engine)
    cluster.load(image)
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder, MANIFEST.name)
        manifest.write_text(MANIFEST.read_text(encoding="utf-8").replace("IMAGE", image), encoding="utf-8")
        administrator.run("apply", "-f", str(manifest))
    administrator.run("rollout", "status", f"daemonset/{OURS}", "--namespace=kube-system", "--timeout=120s")
    print("✓ The workbook's network plugin enforces NetworkPolicies.\n")
