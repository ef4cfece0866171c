"""Requests to the API server, and the results of its answers."""

import gc
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml
from kubernetes.client.exceptions import ApiException
from urllib3 import ProxyManager
from urllib3.exceptions import ProtocolError

from tests.unit.conftest import Handler
from workbook.base.errors import WorkbookError
from workbook.cluster import current, ready
from workbook.kube import client

KUBECONFIG = {
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
    "users": [{"name": "u", "user": {"token": "secret"}}],
}


def access(folder, server="https://cluster", local=False):
    """The data for a connection to this server."""
    content = KUBECONFIG | {"clusters": [{"name": "c", "cluster": {"server": server}}]}
    (folder / "kubeconfig").write_text(yaml.safe_dump(content), encoding="utf-8")
    return SimpleNamespace(name="tests", kubeconfig=folder / "kubeconfig", context="c", namespace="shop", local=local)


@pytest.fixture
def api(tmp_path):
    """A connection that notes each request in `api.requests`, and returns `api.response`."""

    def request(method, url, **options):
        connection.requests.append((method, url, options))
        if isinstance(connection.response, Exception):
            raise connection.response
        return connection.response

    connection = client.Api(access(tmp_path))
    connection.pool = SimpleNamespace(request=request)
    connection.requests, connection.response = [], SimpleNamespace(status=200, data=b'{"items": []}')
    return connection


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (("pods",), "/api/v1/namespaces/shop/pods"),
        (("pods", "other"), "/api/v1/namespaces/other/pods"),
        (("pods", ""), "/api/v1/pods"),
        (("deployments", "shop", "web"), "/apis/apps/v1/namespaces/shop/deployments/web"),
        (("endpointslices", "shop"), "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"),
        (("nodes", "shop"), "/api/v1/nodes"),
        (("namespaces", None, "shop"), "/api/v1/namespaces/shop"),
    ],
)
def test_paths(api, where, path):
    assert api.path(*where) == path


def test_an_unknown_resource(api):
    with pytest.raises(WorkbookError, match=r"no table of 'ingresses'(.|\n)*deployments, endpointslices"):
        api.objects("ingresses")


def test_a_list_is_asked_for_as_the_api_spells_it(api):
    api.open_list("pods", label_selector="app=a,b!=c", field_selector="", limit=5)
    [(method, url, options)] = api.requests
    assert (method, url) == (
        "GET",
        "https://cluster/api/v1/namespaces/shop/pods?labelSelector=app%3Da%2Cb%21%3Dc&limit=5",
    )
    assert options["headers"]["authorization"] == "Bearer secret"
    assert options["headers"]["Accept"] == "application/json"


def test_a_request_for_a_table_asks_for_a_table(api):
    api.list_objects("pods", accept=client.TABLE)
    assert api.requests[0][2]["headers"]["Accept"] == client.TABLE


def test_an_object_by_its_name(api):
    assert api.find("services", "web") is None
    assert api.requests[0][1].endswith("/services?fieldSelector=metadata.name%3Dweb")
    api.response.data = b'{"items": [{"metadata": {"name": "web"}}]}'
    assert api.find("services", "web") == {"metadata": {"name": "web"}}


def test_a_change_is_sent_as_json(api):
    api.request("PATCH", "/api/v1/namespaces/shop/configmaps/notes", body={"data": {"a": "b"}})
    _, _, options = api.requests[0]
    assert json.loads(options["body"]) == {"data": {"a": "b"}}
    assert options["headers"]["Content-Type"] == "application/strategic-merge-patch+json"


def test_a_refusal_keeps_the_servers_words(api):
    api.response = SimpleNamespace(status=403, reason="Forbidden", data=b'{"message": "you may not"}')
    with pytest.raises(ApiException) as refused:
        api.open_list("pods")
    assert refused.value.status == 403
    with pytest.raises(WorkbookError, match="you may not"):
        api.objects("pods")


def test_a_server_that_does_not_answer(api):
    api.response = ProtocolError("Connection aborted.")
    with pytest.raises(WorkbookError, match=r"'tests' does not answer(.|\n)*Connection aborted"):
        api.open_list("pods")


@pytest.fixture
def cut(api_server, monkeypatch):
    """Break each connection to the API server in the middle of an answer."""

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"items": [')

    monkeypatch.setattr(Handler, "answer", answer)


@pytest.mark.parametrize("call", [lambda: current.api().objects("pods"), lambda: current.api().version()])
def test_a_connection_that_breaks_while_the_answer_is_read(cut, call):
    with pytest.raises(WorkbookError, match="'workbook' does not answer"):
        call()


def test_a_server_that_breaks_connections_is_not_reached(cut):
    assert ready.reach(current.current()) is None


def test_a_watch_is_read_while_it_is_open_and_other_answers_at_once(api):
    api.open_list("pods", watch=True)
    api.open_list("pods")
    api.request("GET", "/version")
    assert [options["preload_content"] for _, _, options in api.requests] == [False, True, True]


@pytest.mark.parametrize(
    ("server", "local", "proxy"),
    [
        ("https://192.168.49.2:8443", True, None),
        ("https://127.0.0.1:6443", False, None),
        ("https://192.168.49.2:8443", False, "http://proxy:3128"),
    ],
)
def test_no_proxy_is_used_for_a_cluster_that_the_workbook_has_started(tmp_path, monkeypatch, server, local, proxy):
    for name, value in (("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", "intranet"), ("no_proxy", "intranet")):
        monkeypatch.setenv(name, value)
    connection = client.Api(access(tmp_path, server, local))
    host = server.split("/")[2].split(":")[0]
    assert connection.configuration.proxy == proxy
    assert isinstance(connection.pool, ProxyManager) == bool(proxy)
    for name in ("NO_PROXY", "no_proxy"):
        bypassed = os.environ[name].split(",")
        assert "intranet" in bypassed and (host in bypassed) == (proxy is None)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (
            {"type": "ClusterIP", "ports": [{"port": 80}]},
            r"type is ClusterIP, which has no node port\.\nDo:  Change its",
        ),
        (
            {"type": "ExternalName", "externalName": "db.example.com"},
            r"is ExternalName(.|\n)*Connect to db\.example\.com",
        ),
    ],
)
def test_a_service_without_a_node_port(api, spec, reason):
    api.response.data = json.dumps({"items": [{"metadata": {"name": "db1"}, "spec": spec}]}).encode()
    with pytest.raises(WorkbookError, match=rf"'db1' cannot be reached from outside(.|\n)*{reason}"):
        client.node_port(api, "db1")


def test_a_node_port(api):
    spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}
    api.response.data = json.dumps({"items": [{"metadata": {"name": "web"}, "spec": spec}]}).encode()
    assert client.node_port(api, "web") == 30080


def test_the_bounds_of_a_request(api):
    """A watch must end soon, even if it was connected slowly."""
    api.open_list("pods", timeout=(5, 0.5))
    bounds = api.requests[-1][2]["timeout"]
    assert (bounds.total, bounds.connect_timeout, bounds.read_timeout) == (None, 5, 0.5)
    api.open_list("pods", timeout=7)
    assert api.requests[-1][2]["timeout"].total == 7


def test_the_garbage_collector_rests_while_a_list_is_decoded():
    runs = []
    gc.callbacks.append(lambda phase, _: runs.append(phase))
    try:
        assert len(client.decode(json.dumps([{"a": {}}] * 20_000).encode())) == 20_000
        assert runs == []
        assert gc.isenabled()
        with pytest.raises(ValueError):
            client.decode(b"{")
        assert gc.isenabled()
    finally:
        gc.callbacks.pop()


def test_a_kernel_loads_nothing_that_it_does_not_need():
    """Each of these modules takes longer to load than all others together; `make bench` measures a kernel's start.

    Before version 37, the client itself loads one of them.
    """
    slow = {"nbformat", "kubernetes.client.api.core_v1_api", "matplotlib"}
    program = f"import sys, kubernetes.client; {slow=}; slow -= {{*sys.modules}}; from workbook import *; print(slow & {{*sys.modules}})"
    assert (
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, encoding="utf-8", errors="replace"
        ).stdout.strip()
        == "set()"
    )
