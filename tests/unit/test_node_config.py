"""The kind configuration for an ordinary and for a locked-down machine."""

import node
from node.machine import Machine


def test_an_ordinary_machine_only_gets_the_port_mapping():
    ordinary = Machine(linux=True, sys_resource=True, cgroups=2, systemd=True)
    config = node.kind_config(ordinary, built_here=False)
    assert config.keys() == {"kind", "apiVersion", "nodes"}
    (control_plane,) = config["nodes"]
    assert [mapping["listenAddress"] for mapping in control_plane["extraPortMappings"]] == ["127.0.0.1"]
    assert [mapping["containerPort"] for mapping in control_plane["extraPortMappings"]] == [node.NODE_PORT]


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
