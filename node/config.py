"""The kind configuration for this machine, and the network of Pods on nodes whose image was built here."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from node.cache import HERE
from node.machine import Machine

KUBELET = "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\n"
KUBELET_V1 = f"{KUBELET}failCgroupV1: false\ncgroupDriver: cgroupfs\ncgroupRoot: /\n"
BOUNDS = {"podPidsLimit": ("pod-max-pids", 2048), "maxPods": ("max-pods", 240)}
"""Fields of the kubelet's configuration, each with the kubelet's flag of the same meaning, and the value.

The first one bounds the processes and threads of each Pod, so that a fork loop in one Pod doesn't stop the whole machine.
A learner's desk in a class needs the most: about 20 for each open notebook, and more while an image is built.

The bound for Pods is 110 by default, too few for a class of twenty on one node. A node has 254 addresses for Pods.
https://kubernetes.io/docs/concepts/policy/pid-limiting/"""
BOUNDED = KUBELET + "".join(f"{field}: {value}\n" for field, (_, value) in BOUNDS.items())
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
PATCHES = "/kind/patches"
"""Where a node has the files from `kubeadm_patches`."""
PATCHED = f"""\
kind: InitConfiguration
patches:
  directory: {PATCHES}
"""
NO_ELECTION = "--leader-elect=false"
"""Lets kube-controller-manager and kube-scheduler begin as soon as the API server answers.

With an election, they wait up to 4 seconds for a lease after the creation of a cluster. After a restart, they wait until the
lease of the last process has ended, 15 seconds. minikube has no election, either."""
MANY_REQUESTS = ("--kube-api-qps=100", "--kube-api-burst=200")
"""Lets kube-controller-manager send the 130 requests at once that come before its first controller works. The default is 20
requests per second."""
FLAGS = {"kube-controller-manager": (NO_ELECTION, *MANY_REQUESTS), "kube-scheduler": (NO_ELECTION,)}
"""Flags of the control plane's programs, in addition to kubeadm's."""
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

KEEP_VOLUMES = """\
[Service]
ExecStartPre=/bin/sh -c 'mountpoint -q /tmp/hostpath_pv || { \
  mkdir -p /var/lib/hostpath_pv /tmp/hostpath_pv && mount --bind /var/lib/hostpath_pv /tmp/hostpath_pv; }'
"""
"""A part of the kubelet's unit, for a node whose image was built here. The folders of volumes are in /tmp/hostpath_pv, which
kube-controller-manager does not let you choose. /tmp is in memory, and empty after a restart, so they get a place on the disk."""
KEPT = "/etc/systemd/system/kubelet.service.d/20-volumes.conf"
"""Where a node has the file with `KEEP_VOLUMES`."""


def kind_config(
    machine: Machine,
    built_here: bool,
    networks: Sequence[Path | None] = (None,),
    patches: Path | None = None,
    volumes: Path | None = None,
) -> dict[str, Any]:
    """Return the configuration for `kind create cluster --config`. An ordinary machine only gets the port mapping
    and the bounds.

    Ordinary Pods run on each node, also on that of the control plane.

    Args:
        machine: the facts about this machine.
        built_here: whether `node_image` built the node image; that image contains its own network plugin.
        networks: for each node, the file with its `pod_network`, or None to use the network in the image. The first node
            gets the control plane.
        patches: the folder with the files from `kubeadm_patches`; None to leave kubeadm's probes as they are.
        volumes: the file with `KEEP_VOLUMES`; None to leave the volumes where they are.

    Documentation: https://kind.sigs.k8s.io/docs/user/configuration/
    """
    mapping = {"containerPort": NODE_PORT, "hostPort": 0, "listenAddress": "127.0.0.1"}
    mounts = [[_mount(file, BRIDGE)] if file else [] for file in networks]
    if patches:
        mounts[0].append(_mount(patches, PATCHES))
    if volumes:
        for mounted in mounts:
            mounted.append(_mount(volumes, KEPT))
    nodes: list[dict[str, Any]] = [{"role": "control-plane", "extraPortMappings": [mapping]}]
    nodes += [{"role": "worker"} for _ in networks[1:]]
    for entry, mounted in zip(nodes, mounts, strict=True):
        if mounted:
            entry["extraMounts"] = mounted
    config: dict[str, Any] = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": nodes}
    kubeadm = ([PATCHED] if patches else []) + ([NO_TAINTS] if len(nodes) > 1 else [])
    if built_here:
        config["networking"] = {"disableDefaultCNI": True}
    if machine.cgroups == 1:
        # Since 1.35 the kubelet rejects version 1 by default: https://kubernetes.io/docs/concepts/architecture/cgroups/
        kubeadm.append(KUBELET_V1)
        config["containerdConfigPatches"] = [CONTAINERD_V1]
    config["kubeadmConfigPatches"] = [*kubeadm, BOUNDED]
    return config


def _mount(source: Path, target: str) -> dict[str, Any]:
    return {"hostPath": str(source), "containerPath": target, "readOnly": True}


def kubeadm_patches() -> dict[str, str]:
    """Return patches for what kubeadm creates, as JSON under the names by which kubeadm knows them.

    They shorten waits that a cluster for learning doesn't need:

    - The control plane's startup probes and CoreDNS' readiness probe have a period of 10 seconds, so a Pod counts as ready
      up to 20 seconds after its program is.
    - kube-controller-manager and kube-scheduler get the flags in `FLAGS`.

    Documentation: https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/control-plane-flags/#patches
    """
    # As patient as kubeadm: it waits four minutes for the control plane.
    startup = {"startupProbe": {"initialDelaySeconds": 0, "periodSeconds": 1, "failureThreshold": 240}}
    coredns = {"name": "coredns", "readinessProbe": {"periodSeconds": 1}}
    patches: dict[str, Any] = {
        f"{name}+strategic": {"spec": {"containers": [{"name": name} | startup]}}
        for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    }
    patches["corednsdeployment+strategic"] = {"spec": {"template": {"spec": {"containers": [coredns]}}}}
    for name, flags in FLAGS.items():
        # Of two flags with the same name, the last one counts.
        patches[f"{name}+json"] = [
            {"op": "add", "path": "/spec/containers/0/command/-", "value": flag} for flag in flags
        ]
    return {f"{name}.json": json.dumps(patch, indent=2) for name, patch in patches.items()}


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
