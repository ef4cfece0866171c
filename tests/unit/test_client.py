"""Requests to the API server: what is asked for, and what its answers become."""

import gc
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ProtocolError

from workbook.base.errors import WorkbookError
from workbook.kube import client


@pytest.fixture
def server():
    """A connection that notes what is asked, and gives `server.answer`."""

    def request(method, url, **options):
        told.asked.append((method, url, options))
        if isinstance(told.answer, Exception):
            raise told.answer
        return told.answer

    settings = SimpleNamespace(
        host="https://cluster",
        auth_settings=lambda: {"BearerToken": {"key": "authorization", "value": "Bearer secret"}},
    )
    told = SimpleNamespace(
        asked=[],
        answer=SimpleNamespace(status=200, data=b'{"items": []}'),
        configuration=settings,
        default_headers={"User-Agent": "tests"},
        rest_client=SimpleNamespace(pool_manager=SimpleNamespace(request=request)),
    )
    return told


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (("pods", "shop"), "/api/v1/namespaces/shop/pods"),
        (("pods", ""), "/api/v1/pods"),
        (("deployments", "shop", "web"), "/apis/apps/v1/namespaces/shop/deployments/web"),
        (("endpointslices", "shop"), "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"),
        (("nodes", "shop"), "/api/v1/nodes"),
        (("namespaces", None, "shop"), "/api/v1/namespaces/shop"),
    ],
)
def test_paths(where, path):
    assert client.path_of(*where) == path


def test_a_list_is_asked_for_as_the_api_spells_it(server):
    client.list_raw("pods", "shop", via=server, label_selector="app=a,b!=c", limit=5)
    [(method, url, options)] = server.asked
    assert (method, url) == (
        "GET",
        "https://cluster/api/v1/namespaces/shop/pods?labelSelector=app%3Da%2Cb%21%3Dc&limit=5",
    )
    assert options["headers"]["authorization"] == "Bearer secret"
    assert options["headers"]["Accept"] == "application/json"


def test_a_connection_for_tables_asks_for_tables(server):
    server.default_headers["Accept"] = client.TABLE
    client.list_raw("pods", "shop", via=server)
    assert server.asked[0][2]["headers"]["Accept"] == client.TABLE


def test_a_change_is_sent_as_json(server):
    client.request("PATCH", "/api/v1/namespaces/shop/configmaps/notes", via=server, body={"data": {"a": "b"}})
    _, _, options = server.asked[0]
    assert json.loads(options["body"]) == {"data": {"a": "b"}}
    assert options["headers"]["Content-Type"] == "application/strategic-merge-patch+json"


def test_a_refusal_keeps_the_servers_words(server):
    server.answer = SimpleNamespace(status=403, reason="Forbidden", data=b'{"message": "you may not"}')
    with pytest.raises(ApiException) as refused:
        client.list_raw("pods", "shop", via=server)
    assert refused.value.status == 403
    assert client._message(refused.value) == "you may not"


def test_a_server_that_does_not_answer(server):
    server.answer = ProtocolError("Connection aborted.")
    with pytest.raises(WorkbookError, match=r"does not answer(.|\n)*Connection aborted"):
        client.list_raw("pods", "shop", via=server)


def test_the_bounds_of_a_request(server):
    """A watch must be left soon, though it was connected slowly."""
    client.list_raw("pods", "shop", via=server, timeout=(5, 0.5))
    bounds = server.asked[-1][2]["timeout"]
    assert (bounds.total, bounds.connect_timeout, bounds.read_timeout) == (None, 5, 0.5)
    client.list_raw("pods", "shop", via=server, timeout=7)
    assert server.asked[-1][2]["timeout"].total == 7


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
    """Each of these takes longer to load than all else together; `make bench` measures a kernel's start."""
    slow = ("nbformat", "kubernetes.client.api.core_v1_api", "matplotlib")
    program = f"import sys; from workbook import *; print([name for name in {slow} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip() == "[]"
