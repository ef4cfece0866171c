"""The address of a Service on kind, and the start of its node."""

from types import SimpleNamespace

import pytest

from workbook.base.errors import WorkbookError
from workbook.cluster import kind
from workbook.cluster.choose import Settings


@pytest.fixture
def ours(home, monkeypatch):
    """A function that makes a cluster whose Service has this node port; `attributes` are those of its node, or None for no node."""

    def make(attributes: dict | None, port: int = 30080) -> kind.Kind:
        monkeypatch.setattr(kind, "Api", lambda cluster: None)
        monkeypatch.setattr(kind, "node_port", lambda api, service: port)
        found = [] if attributes is None else [SimpleNamespace(attrs=attributes)]
        engine = SimpleNamespace(containers=SimpleNamespace(list=lambda **options: found))
        monkeypatch.setattr("workbook.engine.find.ensure_engine", lambda offline: engine)
        return kind.Kind(Settings.from_environment("workbook"))

    return make


NETWORK = {
    "Ports": {"30080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "32769"}], "6443/tcp": None},
    "Networks": {"kind": {"IPAddress": "172.18.0.2"}},
}


@pytest.mark.parametrize(
    ("port", "address"),
    [(30080, "http://127.0.0.1:32769"), (30081, "http://172.18.0.2:30081"), (6443, "http://172.18.0.2:6443")],
)
def test_a_published_port_is_the_address_and_else_the_nodes(ours, port, address):
    assert ours({"NetworkSettings": NETWORK}, port).url("webservice") == address


def test_a_node_image_that_was_built_here_gets_a_class_that_provides_volumes():
    asked = []

    def request(method, path, body=None):
        asked.append((method, path, body))
        return SimpleNamespace(close=lambda: None)

    kind._provide_volumes(SimpleNamespace(request=request))
    classes = "/apis/storage.k8s.io/v1/storageclasses"
    assert asked == [("DELETE", f"{classes}/standard", None), ("POST", classes, kind.node.STORAGE_CLASS)]


def test_no_address_without_a_node(ours):
    with pytest.raises(WorkbookError, match="The node of the cluster 'workbook' does not exist"):
        ours(None).url("webservice")


@pytest.mark.parametrize(
    "written", ["2026-11-23T20:00:07.123456789Z", "2026-11-23T21:00:07+01:00", "2026-11-23T20:00:07Z"]
)
def test_the_nodes_start_is_its_containers(ours, written):
    assert ours({"State": {"StartedAt": written}}).started() == "2026-11-23T20:00:07Z"


def test_its_nodes_are_containers(ours):
    assert ours(None).driver == "docker"


def test_the_start_of_an_absent_node_is_not_known(ours):
    assert ours(None).started() == ""
