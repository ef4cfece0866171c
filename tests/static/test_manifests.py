"""manifests/: each file has one object, as the chapter's listings do."""

import pytest
import yaml

from workbook.engine.catalog import catalog
from workbook.lessons.begin import states
from workbook.lessons.kubectl import MANIFESTS

FILES = sorted(MANIFESTS.rglob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_one_object_per_file(path):
    documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    assert len(documents) == 1
    assert {"apiVersion", "kind", "metadata"} <= documents[0].keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_manifest_names_a_namespace(path):
    assert "namespace" not in yaml.safe_load(path.read_text(encoding="utf-8"))["metadata"], (
        "the kubeconfig's context has the namespace"
    )


def test_states_name_existing_images_and_manifests():
    for number, state in states().items():
        assert set(state["images"]) <= catalog().keys(), number
        assert all((MANIFESTS / name).is_file() for name in state["manifests"]), number
