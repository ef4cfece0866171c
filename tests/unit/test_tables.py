"""Tables of the cluster's objects: kubectl's columns, and names without their generated parts."""

import html

import pytest

import workbook
from workbook.base.errors import WorkbookError
from workbook.cluster.current import current
from workbook.kube.objects import name
from workbook.lessons import tables

HASH = {"pod-template-hash": "555df568bd"}


@pytest.mark.parametrize(
    ("metadata", "shown"),
    [
        ({"name": "web-555df568bd-4xpwm", "generateName": "web-555df568bd-", "labels": HASH}, "web-*"),
        ({"name": "web-555df568bd", "labels": HASH}, "web-*"),
        ({"name": "kube-proxy-klndq", "generateName": "kube-proxy-"}, "kube-proxy-*"),
        ({"name": "etcd-node-1", "ownerReferences": [{"kind": "Node", "name": "node-1"}]}, "etcd-*"),
        ({"name": "web-0", "generateName": ""}, "web-0"),
        (
            {
                "name": "notes-0",
                "generateName": "notes-",
                "labels": {"app": "notes"},
                "ownerReferences": [{"kind": "StatefulSet", "name": "notes"}],
            },
            "notes-0",
        ),
        ({"name": "web"}, "web"),
    ],
)
def test_name(metadata, shown):
    assert name(metadata) == shown
    assert name(metadata, full=True) == metadata["name"]


def table(*columns, rows):
    """The API server's Table view; each row has an object's metadata and the cells."""
    return {
        "columnDefinitions": [{"name": column} for column in columns],
        "rows": [{"object": {"metadata": metadata}, "cells": cells} for metadata, *cells in rows],
    }


def pod(uid, **metadata):
    return {"name": f"web-{uid}", "generateName": "web-", "uid": uid, "namespace": f"team-{uid}", **metadata}


@pytest.fixture
def two_pods(api_server):
    api_server.tables["pods"] = table(
        "Name",
        "Ready",
        "Status",
        "Restarts",
        "Age",
        rows=[
            (pod("b"), "web-b", "1/1", "Running", "2 (3m ago)", "5m"),
            (pod("a"), "web-a", "0/1", "Pending", 0, "4m"),
        ],
    )


def test_a_table_shows_what_is_the_same_in_every_run(two_pods):
    pods = workbook.pods()
    assert (pods.index.name, pods.columns.name, list(pods.columns)) == (None, "NAME", ["READY", "STATUS", "RESTARTS"])
    assert list(pods.itertuples(name=None)) == [("web-*", "0/1", "Pending", 0), ("web-*", "1/1", "Running", 2)]
    assert pods.attrs["uids"] == ["a", "b"]


def test_a_wide_table_has_all_columns_and_full_names(two_pods):
    pods = workbook.pods(wide=True)
    assert list(pods.columns) == ["READY", "STATUS", "RESTARTS", "AGE"]
    assert list(pods.index) == ["web-a", "web-b"]


def test_a_wide_table_of_all_namespaces_names_them(two_pods, api_server):
    pods = workbook.pods(namespace="", wide=True)
    assert list(pods.columns) == ["NAMESPACE", "READY", "STATUS", "RESTARTS", "AGE"]
    assert list(pods["NAMESPACE"]) == ["team-a", "team-b"]
    assert api_server.requests == ["GET /api/v1/pods"]


@pytest.mark.parametrize(
    ("options", "request_"),
    [
        ({}, "/api/v1/namespaces/shop/pods"),
        ({"namespace": "other"}, "/api/v1/namespaces/other/pods"),
        ({"selector": "app=web"}, "/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb"),
    ],
)
def test_what_a_table_asks_for(two_pods, api_server, options, request_):
    workbook.pods(**options)
    assert api_server.requests == [f"GET {request_}"]


def test_a_table_of_nothing_keeps_its_columns(api_server):
    api_server.tables["services"] = {**table("Name", "Type", "External-IP", "Port(s)", "Age", rows=[]), "rows": None}
    assert workbook.services().empty and list(workbook.services().columns) == ["TYPE", "EXTERNAL-IP", "PORT(S)"]


def test_images_have_the_names_of_the_manifests(api_server):
    images = "registry:5000/web-app:1.0,busybox"
    api_server.tables["replicasets"] = table(
        "Name", "Desired", "Current", "Ready", "Images", rows=[({"name": "web", "uid": "1"}, "web", 1, 1, 1, images)]
    )
    assert workbook.replicasets().loc["web", "IMAGES"] == "web-app:1.0,busybox"


def test_the_registry_is_looked_up_once_and_not_for_each_row(api_server, monkeypatch):
    lookups = []
    monkeypatch.setattr(tables, "current", lambda: lookups.append(1) or current())
    rows = [({"name": f"web-{number}", "uid": str(number)}, "web", "web-app:1.0") for number in range(50)]
    api_server.tables["deployments"] = table("Name", "Images", rows=rows)
    assert len(workbook.get("deployments", wide=True)) == 50
    assert len(lookups) == 1


@pytest.mark.parametrize(
    ("function", "columns"),
    [
        (workbook.deployments, ["READY", "UP-TO-DATE", "AVAILABLE"]),
        (workbook.nodes, ["STATUS", "ROLES"]),
        (lambda: workbook.get("serviceaccounts"), []),
    ],
)
def test_stable_columns(api_server, function, columns):
    for resource in ("deployments", "nodes", "serviceaccounts"):
        api_server.tables[resource] = table("Name", *columns, "Age", rows=[])
    assert list(function().columns) == columns


def test_no_such_table(api_server):
    with pytest.raises(WorkbookError, match=r"no table of 'podz'(.|\n)*pods"):
        workbook.get("podz")


class TestEvents:
    @pytest.fixture(autouse=True)
    def happened(self, api_server):
        for resource in ("deployments", "replicasets", "pods"):
            api_server.add(resource, f"web-{resource}", labels={"app": "web"})
        api_server.add("pods", "other", labels={"app": "other"})
        for version, (kind, name_, reason, time) in enumerate(
            [
                ("Pod", "web-pods", "Scheduled", {"eventTime": "2026-01-01T00:00:02.5Z"}),
                ("Pod", "web-pods", "Pulling", {"firstTimestamp": "2026-01-01T00:00:03Z"}),
                ("Pod", "web-pods", "Created", {"firstTimestamp": "2026-01-01T00:00:02Z", "count": 2, "message": "m"}),
                ("Pod", "web-pods", "Created", {"firstTimestamp": "2026-01-01T00:00:04Z"}),
                ("Pod", "other", "Scheduled", {"firstTimestamp": "2026-01-01T00:00:01Z"}),
                ("Pod", "deleted", "Killing", {"firstTimestamp": "2026-01-01T00:00:01Z"}),
                ("Deployment", "web-deployments", "ScalingReplicaSet", {"firstTimestamp": "2026-01-01T00:00:09Z"}),
            ]
        ):
            involved = {"kind": kind, "name": name_, "uid": name_}
            event = api_server.add("events", f"event-{version}", involvedObject=involved, type="Normal", reason=reason)
            event.update(time)
            event["metadata"]["resourceVersion"] = str(version)

    def test_they_are_sorted_by_kind_and_time_and_each_is_shown_once(self):
        events = workbook.events("app=web")
        assert (events.columns.name, list(events.columns)) == ("OBJECT", ["TYPE", "REASON"])
        assert list(events["REASON"].items()) == [
            ("Deployment", "ScalingReplicaSet"),
            ("Pod", "Scheduled"),
            ("Pod", "Created"),
        ]

    def test_wide_shows_all_of_them(self):
        events = workbook.events("app=web", wide=True)
        assert list(events.columns) == ["TYPE", "REASON", "NAME", "COUNT", "MESSAGE"]
        assert list(events["REASON"]) == ["ScalingReplicaSet", "Scheduled", "Created", "Pulling", "Created"]
        assert events.iloc[2].tolist() == ["Normal", "Created", "web-pods", 2, "m"]


def test_status(api_server):
    assert workbook.status().loc["cluster", "STATUS"] == "Running"
    assert workbook.status(wide=True).loc["cluster"].tolist() == ["Running", "existing", "", 1]
    api_server.refused = {"GET"}
    assert workbook.status().loc["cluster", "STATUS"] == "Stopped"
    assert workbook.status(wide=True).loc["cluster"].to_dict()["NODES"] == 0


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({}, "kubectl get pods"),
        ({"wide": True}, "kubectl get pods --output=wide"),
        ({"namespace": ""}, "kubectl get pods --all-namespaces"),
        (
            {"namespace": "kube-system", "selector": "tier in (a, b)"},
            "kubectl get pods --namespace=kube-system '--selector=tier in (a, b)'",
        ),
    ],
)
def test_a_table_stands_below_the_command_that_prints_the_same(two_pods, options, command):
    pods = workbook.pods(**options)
    assert pods.command == command
    assert repr(pods).splitlines()[0] == f"$ {command}"
    assert f"<code>$ {html.escape(command)}</code>" in pods._repr_html_() and "<table" in pods._repr_html_()


def test_some_columns_are_still_the_table(two_pods):
    pods = workbook.pods()[["READY", "STATUS"]]
    assert (list(pods.columns), pods.command) == (["READY", "STATUS"], "kubectl get pods")


@pytest.mark.parametrize(
    "part", [lambda pods: pods[pods["RESTARTS"] > 0], lambda pods: pods.head(1), lambda pods: pods.copy()]
)
def test_what_is_computed_from_a_table_has_no_command(two_pods, part):
    """The command prints the whole table."""
    assert "$" not in repr(part(workbook.pods()))
    assert part(workbook.pods())._repr_html_().startswith("<div>\n<style")
