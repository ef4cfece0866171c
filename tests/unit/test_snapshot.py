"""The content of a snapshot, and the validity of the first one."""

import json

import pytest

import workbook
from workbook.base.errors import WorkbookError
from workbook.lessons.progress import CONFIG_MAP
from workbook.lessons.snapshot import keep_first_snapshot, kept_snapshot


def item(kind, name, **metadata):
    return {"kind": kind, "metadata": {"name": name, "uid": f"{kind}-{name}", **metadata}}


@pytest.fixture
def holds(kubectl_script, tmp_path):
    """A function that puts objects into the namespace; kubectl also warns of a deprecated resource, as for a CRD."""

    def holds(*items):
        (tmp_path / "items.json").write_text(json.dumps({"items": items}), encoding="utf-8")
        kubectl_script(
            f"""echo "$*" >> "{tmp_path}/commands"
echo 'Warning: example.com/v1 Widget is deprecated' >&2
case "$1" in
  api-resources) printf 'pods\\nevents\\nwidgets.example.com\\nendpoints\\n';;
  get) cat "{tmp_path}/items.json";;
esac"""
        )

    holds()
    return holds


def test_a_snapshot_has_each_object_of_each_resource(holds, tmp_path):
    holds(
        item("Widget", "w"),
        item("Pod", "web-x", generateName="web-"),
        item("ConfigMap", CONFIG_MAP),
        item("ConfigMap", "greetings"),
    )
    table = workbook.snapshot()
    assert list(table.itertuples(name=None)) == [("greetings", "ConfigMap"), ("w", "Widget"), ("web-*", "Pod")]
    assert table.attrs["uids"] == ["ConfigMap-greetings", "Widget-w", "Pod-web-x"]
    *_, command = (tmp_path / "commands").read_text(encoding="utf-8").splitlines()
    assert command == "get pods,widgets.example.com --ignore-not-found --output=json"


def test_an_empty_namespace(holds):
    assert workbook.snapshot().empty and list(workbook.snapshot().columns) == ["KIND"]


def test_the_first_snapshot_is_compared_with_a_later_one(holds):
    holds(item("Service", "webservice"))
    keep_first_snapshot()
    first = workbook.first_snapshot()
    assert workbook.compare(first, workbook.snapshot()).empty
    holds(item("Service", "webservice"), item("Pod", "web"))
    changes = workbook.compare(first, workbook.snapshot())
    assert list(changes.itertuples(name=None)) == [("web", "appeared", "", "Pod")]


def test_the_first_snapshot_is_valid_as_long_as_its_namespace(holds, api_server, home):
    assert kept_snapshot() is None
    keep_first_snapshot()
    assert kept_snapshot() is not None
    [namespace] = api_server.objects["namespaces"]
    namespace["metadata"]["uid"] = "created again"
    assert kept_snapshot() is None
    api_server.objects["namespaces"] = []
    with pytest.raises(WorkbookError, match=r"no first snapshot(.|\n)*`begin"):
        workbook.first_snapshot()


def test_a_damaged_first_snapshot_counts_as_none(holds, home):
    (home / "clusters/workbook/first-snapshot.json").write_text("{", encoding="utf-8")
    assert kept_snapshot() is None
