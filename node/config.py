"""The kind configuration for this machine."""

from typing import Any

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


def kind_config(machine: Machine, built_here: bool) -> dict[str, Any]:
    """Return the configuration for `kind create cluster --config`. An ordinary machine only gets the port mapping.

    Args:
        machine: the facts about this machine.
        built_here: whether `node_image` built the node image; that image contains its own network plugin.

    Documentation: https://kind.sigs.k8s.io/docs/user/configuration/
    """
    mapping = {"containerPort": NODE_PORT, "hostPort": 0, "listenAddress": "127.0.0.1"}
    config: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": "control-plane", "extraPortMappings": [mapping]}],
    }
    if built_here:
        config["networking"] = {"disableDefaultCNI": True}
    if machine.cgroups == 1:
        # Since 1.35 the kubelet rejects version 1 by default: https://kubernetes.io/docs/concepts/architecture/cgroups/
        config["kubeadmConfigPatches"] = [KUBELET_V1]
        config["containerdConfigPatches"] = [CONTAINERD_V1]
    return config
