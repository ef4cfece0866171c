"""Whether a second cluster fits on this machine, and whether an existing cluster has two nodes."""

from types import SimpleNamespace

import pytest

from workbook.base.errors import NotPossible
from workbook.cluster.choose import Provider
from workbook.cluster.current import current
from workbook.cluster.protocol import State
from workbook.lessons import room

GB = 2**30


@pytest.fixture
def machine(monkeypatch):
    """A function that makes a cluster on a machine with 8 GB, of which `free` are free; the engine has `engine` GB."""

    def make(free: float, *, engine: float = 8, state: State = State.ABSENT, provider=Provider.KIND, bundle=None):
        memory = SimpleNamespace(total=8 * GB, available=free * GB)
        monkeypatch.setattr(room.psutil, "virtual_memory", lambda: memory)
        info = SimpleNamespace(info=lambda: {"MemTotal": int(engine * GB)})
        settings = SimpleNamespace(bundle=bundle)
        return SimpleNamespace(provider=provider, engine=info, settings=settings, status=lambda: state)

    return make


def test_a_machine_with_enough_memory(machine):
    room.require_room(machine(2.1))


def test_a_machine_with_too_little_memory_says_how_much_is_missing(machine):
    with pytest.raises(NotPossible, match=r"about 2 GB, and 1\.5 GB are free(.|\n)*optional"):
        room.require_room(machine(1.5))


def test_a_cluster_that_exists_needs_no_more_memory(machine):
    room.require_room(machine(0.5, state=State.STOPPED))


def test_only_a_virtual_machine_knows_its_free_memory(machine):
    room.require_room(machine(0.5, engine=4))


def test_minikubes_bundle_has_a_single_node(machine):
    with pytest.raises(NotPossible, match="bundle has no cluster with two nodes"):
        room.require_room(machine(8, provider=Provider.MINIKUBE, bundle="a bundle"))
    room.require_room(machine(8, provider=Provider.KIND, bundle="a bundle"))


READY = {"conditions": [{"type": "Ready", "status": "True"}]}


@pytest.mark.parametrize(
    ("second", "found"),
    [
        ({"status": READY}, 2),
        ({"status": READY, "spec": {"taints": [{"key": "mine", "effect": "PreferNoSchedule"}]}}, 2),
        ({"status": READY, "spec": {"taints": [{"key": "mine", "effect": "NoSchedule"}]}}, 1),
        ({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, 1),
    ],
)
def test_an_existing_cluster_needs_two_nodes_for_ordinary_pods(api_server, second, found):
    api_server.add("nodes", "second", **second)
    if found == 2:
        return room.require_nodes(current())
    with pytest.raises(NotPossible, match="has 1 that Pods can run on"):
        room.require_nodes(current())
