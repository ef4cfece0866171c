"""The versions of what node/ builds, and the selection of another Kubernetes."""

import pytest

from node import versions
from node.versions import OTHERS, VARIABLE, VERSIONS, official, suffix, version_of
from workbook.base.errors import WorkbookError


@pytest.fixture(autouse=True)
def default(monkeypatch):
    """The default version, which no variable changes."""
    monkeypatch.delenv(VARIABLE, raising=False)
    return VERSIONS["kubernetes"]


def test_the_official_image_has_the_kubernetes_that_is_built_from_source(default):
    assert VERSIONS["official"].startswith(f"kindest/node:v{default}@sha256:")


def test_without_the_variable_all_versions_are_the_defaults(default):
    assert {part: version_of(part) for part in ("kubernetes", "etcd")} == {
        "kubernetes": default,
        "etcd": VERSIONS["etcd"],
    }
    assert official() == VERSIONS["official"] and suffix() == ""


def test_the_variable_selects_kubernetes_alone(monkeypatch):
    monkeypatch.setenv(VARIABLE, "1.2.3")
    assert version_of("kubernetes") == "1.2.3" and version_of("etcd") == VERSIONS["etcd"]
    assert official() == "kindest/node:v1.2.3" and suffix() == "-1.2.3"


def test_the_default_can_be_selected(monkeypatch, default):
    monkeypatch.setenv(VARIABLE, default)
    assert version_of("kubernetes") == default and suffix() == ""


@pytest.mark.parametrize("image", [*OTHERS, VERSIONS["official"]])
def test_an_official_image_that_is_known_is_pinned(monkeypatch, image):
    monkeypatch.setenv(VARIABLE, image.removeprefix("kindest/node:v").partition("@")[0])
    assert official() == image


@pytest.mark.parametrize("selected", ["1.32", "v1.32.2", "latest", "1.32.2 "])
def test_another_value_is_refused(monkeypatch, selected):
    monkeypatch.setenv(VARIABLE, selected)
    for function in (official, suffix, lambda: versions.version_of("kubernetes")):
        with pytest.raises(WorkbookError, match=f"{VARIABLE} is {selected!r}"):
            function()
