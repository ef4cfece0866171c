"""The kind configuration that suits a machine."""

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
"""The node's port that also answers on this machine's loopback: where containers run in a virtual machine, nothing
else of the node can be reached."""
NODE_PORT_MAPPING = {"containerPort": NODE_PORT, "hostPort": 0, "listenAddress": "127.0.0.1"}


def kind_config(machine: Machine, image_is_ours: bool) -> dict[str, Any]:
    """What `kind create cluster --config` is given: nothing special on an ordinary machine.

    Args:
        machine: the facts about this machine.
        image_is_ours: the node image was built by `node_image`, which brings its network plugin along.

    Documentation: https://kind.sigs.k8s.io/docs/user/configuration/
    """
    config: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": "control-plane", "extraPortMappings": [NODE_PORT_MAPPING]}],
    }
    if image_is_ours:
        config["networking"] = {"disableDefaultCNI": True}
    if machine.cgroups == 1:
        # Since 1.35 the kubelet asks for a clear yes: https://kubernetes.io/docs/concepts/architecture/cgroups/
        config["kubeadmConfigPatches"] = [KUBELET_V1]
        config["containerdConfigPatches"] = [CONTAINERD_V1]
    return config
