"""Tables of a cluster's objects: they show the same as kubectl."""

import re

import pytest

import workbook
from workbook.base.errors import WorkbookError
from workbook.cluster.current import current
from workbook.lessons.kubectl import kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("state")]


def test_tables_are_kubectls():
    workbook.apply("1-03-webapp-deployment.yaml")
    workbook.rollout_status("webapp-deployment")
    for resource in ("pods", "deployments", "replicasets"):
        lines = kubectl("get", resource, "-o", "wide").splitlines()
        table = workbook.get(resource, wide=True)
        assert ["NAME", *table.columns] == re.split(r"\s{2,}", lines[0].strip())
        assert list(table.index) == sorted(line.split()[0] for line in lines[1:])


def test_a_table_of_nothing_keeps_its_columns():
    assert list(workbook.pods().columns) == ["READY", "STATUS", "RESTARTS"]
    assert workbook.pods().empty


def test_no_such_table():
    with pytest.raises(WorkbookError, match=r"no table of 'podz'(.|\n)*pods"):
        workbook.get("podz")


def test_the_image_on_the_node_is_listed():
    assert list(workbook.images().itertuples(name=None)) == [("web-app", "1.0")]
    assert "web-app:1.0" in current().images()
