"""Requests to the API server, and the results of its answers."""

import gc
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ProtocolError

from workbook.base.errors import WorkbookError
from workbook.kube import client

KUBECONFIG = {
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://cluster"}}],
    "users": [{"name": "u", "user": {"token": "secret"}}],
}


@pytest.fixture
def api(tmp_path):
    """A connection that notes each request in `api.requests`, and returns `api.response`."""

    def request(method, url, **options):
        connection.requests.append((method, url, options))
        if isinstance(connection.response, Exception):
            raise connection.response
        return connection.response

    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(KUBECONFIG), encoding="utf-8")
    connection = client.Api(SimpleNamespace(name="tests", kubeconfig=path, context="c", namespace="shop"))
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
