"""The kind configuration for an ordinary and for a locked-down machine, and for two nodes."""

import json
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml

import node
from node.machine import Machine


def test_an_ordinary_machine_only_gets_the_port_mapping_and_the_bounds():
    ordinary = Machine(linux=True, sys_resource=True, cgroups=2, systemd=True)
    config = node.kind_config(ordinary, built_here=False)
    assert config.keys() == {"kind", "apiVersion", "nodes", "kubeadmConfigPatches"}
    (limit,) = map(yaml.safe_load, config["kubeadmConfigPatches"])
    assert limit["kind"] == "KubeletConfiguration" and 1000 < limit["podPidsLimit"] < 4096
    assert 110 < limit["maxPods"] < 254
    (control_plane,) = config["nodes"]
    assert [mapping["listenAddress"] for mapping in control_plane["extraPortMappings"]] == ["127.0.0.1"]
    assert [mapping["containerPort"] for mapping in control_plane["extraPortMappings"]] == [node.NODE_PORT]


def test_patches_are_mounted_where_kubeadm_of_the_first_node_looks(tmp_path):
    ordinary = Machine(linux=True, sys_resource=True, cgroups=2, systemd=True)
    one = node.kind_config(ordinary, False, patches=tmp_path)
    two = node.kind_config(ordinary, True, [Path("/a/pods-0"), Path("/a/pods-1")], tmp_path)
    for config, mounts in ((one, [1]), (two, [2, 1])):
        assert [len(entry["extraMounts"]) for entry in config["nodes"]] == mounts
        mount = config["nodes"][0]["extraMounts"][-1]
        assert mount["hostPath"] == str(tmp_path) and mount["readOnly"]
        patched = yaml.safe_load(config["kubeadmConfigPatches"][0])
        assert patched == {"kind": "InitConfiguration", "patches": {"directory": mount["containerPath"]}}


def test_no_probe_makes_a_pod_that_is_ready_wait_for_ten_seconds():
    patches = {name: json.loads(text) for name, text in node.kubeadm_patches().items()}
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        [container] = patches[f"{name}+strategic.json"]["spec"]["containers"]
        probe = container["startupProbe"]
        assert container["name"] == name and probe["initialDelaySeconds"] == 0 and probe["periodSeconds"] == 1
        assert probe["failureThreshold"] * probe["periodSeconds"] == 240, "as patient as kubeadm"
    [container] = patches["corednsdeployment+strategic.json"]["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "coredns", "readinessProbe": {"periodSeconds": 1}}


def test_flags_come_after_those_of_kubeadm():
    patch = json.loads(node.kubeadm_patches()["kube-scheduler+json.json"])
    assert patch == [{"op": "add", "path": "/spec/containers/0/command/-", "value": "--leader-elect=false"}]


def test_claims_get_volumes_of_a_default_class():
    """A claim that names no class only gets a volume from the default class."""
    annotations = node.STORAGE_CLASS["metadata"]["annotations"]
    assert annotations == {"storageclass.kubernetes.io/is-default-class": "true"}


def test_a_locked_down_machine_gets_patches_for_control_groups_version_1():
    locked_down = Machine(linux=True, sys_resource=False, cgroups=1, systemd=False)
    config = node.kind_config(locked_down, built_here=True)
    assert config["networking"] == {"disableDefaultCNI": True}
    assert "failCgroupV1: false" in config["kubeadmConfigPatches"][0]
    assert "SystemdCgroup = false" in config["containerdConfigPatches"][0]


@pytest.mark.parametrize("cgroups", [1, 2])
def test_with_two_nodes_both_take_pods_and_each_has_its_network(cgroups):
    machine = Machine(linux=True, sys_resource=True, cgroups=cgroups, systemd=True)
    config = node.kind_config(machine, True, [Path("/a/pods-0"), Path("/a/pods-1")])
    assert [entry["role"] for entry in config["nodes"]] == ["control-plane", "worker"]
    assert [entry["extraMounts"][0]["hostPath"] for entry in config["nodes"]] == ["/a/pods-0", "/a/pods-1"]
    assert len({entry["extraMounts"][0]["containerPath"] for entry in config["nodes"]}) == 1
    first, *others = config["kubeadmConfigPatches"]
    assert "InitConfiguration" in first and "taints: []" in first
    assert len(others) == 1 + (cgroups == 1)


def test_the_ranges_of_two_nodes_do_not_overlap():
    first, second = map(ip_network, map(node.pod_range, range(2)))
    assert not first.overlaps(second) and first.subnet_of(ip_network("10.244.0.0/16"))


def test_pods_on_other_nodes_see_a_pods_own_address():
    content = json.loads(node.pod_network(1))
    (bridge,) = (plugin for plugin in content["plugins"] if plugin["type"] == "bridge")
    assert bridge["ipMasq"] is False and bridge["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]
    assert [plugin["type"] for plugin in content["plugins"]] == ["bridge", "firewall", "portmap"]


def test_what_leaves_the_pods_network_is_masqueraded_once():
    *_, script = node.masquerade(1)
    check, add = script.split(" || ")
    assert "--check" in check and add == check.replace(" 2>/dev/null", "").replace("--check", "--append")
    assert "--source 10.244.1.0/24 ! --destination 10.244.0.0/16" in add
