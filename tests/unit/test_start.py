"""Starting and stopping a cluster, as cells do it."""

import pytest

import workbook
from workbook.base.errors import NotPossible, WorkbookError
from workbook.base.lock import lock


def test_a_running_cluster_is_asked_once_for_each_thing_that_it_needs(api_server):
    workbook.start()
    asked = [request.removeprefix("GET /api/v1/") for request in api_server.requests]
    assert asked == ["nodes", "namespaces?fieldSelector=metadata.name%3Dshop", "namespaces/shop/serviceaccounts"]


@pytest.mark.parametrize(
    "function", [workbook.start, workbook.stop, workbook.delete_cluster, lambda: workbook.begin(0)]
)
def test_two_processes_do_not_change_a_cluster_at_the_same_time(api_server, home, monkeypatch, function):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("time.monotonic", iter(range(0, 10_000, 10)).__next__)
    with (
        lock(home / "clusters/workbook/lock", "begin(3)"),
        pytest.raises(WorkbookError, match=r"busy(.|\n)*begin\(3\)"),
    ):
        function()
    assert api_server.requests == []


def test_stop_leaves_an_existing_cluster_running(api_server, capsys):
    workbook.stop()
    assert "only stops clusters that it started" in capsys.readouterr().out


def test_the_address_of_a_service(api_server):
    [node] = api_server.objects["nodes"]
    node["status"]["addresses"] = [{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": "10.0.0.5"}]
    api_server.add("services", "web", spec={"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]})
    assert workbook.service_url("web") == "http://10.0.0.5:30080"
    with pytest.raises(WorkbookError, match="no Service 'other'"):
        workbook.service_url("other")


@pytest.mark.parametrize("function", [workbook.stop_node, workbook.start_node])
def test_the_nodes_of_an_existing_cluster_are_left_alone(api_server, function):
    with pytest.raises(NotPossible, match=r"'node' is neither stopped nor started(.|\n)*recorded outputs"):
        function("node")


@pytest.mark.parametrize("function", [workbook.stop_node, workbook.start_node])
def test_only_a_worker_is_stopped(api_server, function):
    api_server.objects["nodes"][0]["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": ""}
    with pytest.raises(WorkbookError, match="'node' runs the control plane"):
        function("node")
    with pytest.raises(WorkbookError, match=r"has no node 'other'\.\nWhy: It has node\."):
        function("other")


def test_a_namespace_is_not_mistaken_for_a_cluster_with_two_nodes(api_server, capsys):
    workbook.delete_cluster(nodes=2)
    assert "stays: the workbook only deletes clusters that it created" in capsys.readouterr().out
    assert api_server.requests == []
