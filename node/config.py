"""The kind configuration for this machine, and the network of Pods on nodes whose image was built here."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from node.cache import HERE
from node.machine import Machine

KUBELET_V1 = """\
kind: KubeletConfiguration
apiVersion: kubelet.config.k8s.io/v1beta1
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /
"""
CONTAINERD_V1 = """\
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
"""
# kind only removes the control plane's taint where there is no other node.
NO_TAINTS = """\
kind: InitConfiguration
nodeRegistration:
  taints: []
"""
BRIDGE = "/etc/cni/net.d/10-bridge.conflist"
"""Where a node has the configuration of its Pods' network."""
POD_RANGE = "10.244.0.0/16"
"""The addresses of all Pods: kind's default."""
NODE_PORT = 30080
"""The node's port that is also published on this machine's loopback address. If containers run in a virtual machine, no
other port of the node can be reached."""
STORAGE_CLASS: dict[str, Any] = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {
        "name": "standard",  # as in kind's own node image
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    },
    "provisioner": "kubernetes.io/host-path",
}
"""How PersistentVolumeClaims get volumes in a cluster whose node image was built here: as new folders of its only node.

kube-controller-manager makes them, since kind starts it with `--enable-hostpath-provisioner`.
https://kubernetes.io/docs/concepts/storage/storage-classes/"""


def kind_config(machine: Machine, built_here: bool, networks: Sequence[Path | None] = (None,)) -> dict[str, Any]:
    """Return the configuration for `kind create cluster --config`. An ordinary machine only gets the port mapping.

    Ordinary Pods run on each node, also on that of the control plane.

    Args:
        machine: the facts about this machine.
        built_here: whether `node_image` built the node image; that image contains its own network plugin.
        networks: for each node, the file with its `pod_network`, or None to use the network in the image. The first node
            gets the control plane.

    Documentation: https://kind.sigs.k8s.io/docs/user/configuration/
    """
    mapping = {"containerPort": NODE_PORT, "hostPort": 0, "listenAddress": "127.0.0.1"}
    control_plane, *workers = (
        {"role": "worker"}
        if file is None
        else {
            "role": "worker",
            "extraMounts": [{"hostPath": str(file), "containerPath": BRIDGE, "readOnly": True}],
        }
        for file in networks
    )
    config: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [control_plane | {"role": "control-plane", "extraPortMappings": [mapping]}, *workers],
    }
    patches = [NO_TAINTS] if workers else []
    if built_here:
        config["networking"] = {"disableDefaultCNI": True}
    if machine.cgroups == 1:
        # Since 1.35 the kubelet rejects version 1 by default: https://kubernetes.io/docs/concepts/architecture/cgroups/
        patches.append(KUBELET_V1)
        config["containerdConfigPatches"] = [CONTAINERD_V1]
    if patches:
        config["kubeadmConfigPatches"] = patches
    return config


def pod_range(number: int) -> str:
    """Return the addresses for the Pods on a node. `number` counts the nodes from 0; the first has the control plane."""
    return f"10.244.{number}.0/24"


def pod_network(number: int) -> str:
    """Return the network configuration for the Pods on one of several nodes, as JSON.

    It is the one in the image, with a range of its own. The bridge leaves a Pod's address as it is, since Pods on other nodes
    must see it; `masquerade` does the rest.

    Documentation: https://www.cni.dev/plugins/current/main/bridge/
    """
    network: dict[str, Any] = json.loads((HERE / "files" / "10-bridge.conflist").read_text(encoding="utf-8"))
    bridge = next(plugin for plugin in network["plugins"] if plugin["type"] == "bridge")
    bridge["ipMasq"] = False
    bridge["ipam"]["ranges"] = [[{"subnet": pod_range(number)}]]
    return json.dumps(network, indent=2)


def masquerade(number: int) -> list[str]:
    """Return the command, run on a node, that gives requests from its Pods to the outside the node's address."""
    rule = f"POSTROUTING --source {pod_range(number)} ! --destination {POD_RANGE} --jump MASQUERADE"
    return ["sh", "-c", f"iptables --table nat --check {rule} 2>/dev/null || iptables --table nat --append {rule}"]
