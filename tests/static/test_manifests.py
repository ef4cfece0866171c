"""manifests/: one object in each, as the listings have it."""

import pytest
import yaml

from workbook.lessons.begin import states
from workbook.lessons.kubectl import MANIFESTS

FILES = sorted(MANIFESTS.rglob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_one_object_each(path):
    documents = list(yaml.safe_load_all(path.read_text()))
    assert len(documents) == 1
    assert {"apiVersion", "kind", "metadata"} <= documents[0].keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_namespace_is_named(path):
    assert "namespace" not in yaml.safe_load(path.read_text())["metadata"], "the kubeconfig's context says where"


def test_states_name_what_there_is():
    from workbook.engine.build import catalog

    for number, state in states().items():
        assert set(state["images"]) <= catalog().keys(), number
        assert all((MANIFESTS / name).is_file() for name in state["manifests"]), number
