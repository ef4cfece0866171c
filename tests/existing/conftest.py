"""A second cluster, which does not belong to the workbook, with a class on it, and a registry on the loopback that its node can reach."""

import shutil

import pytest

from tests.existing.learners import taught
from tests.registry import known_to, serving
from workbook.cluster import ready
from workbook.cluster.choose import Settings, clusters
from workbook.cluster.current import current
from workbook.cluster.kind import Kind

ELSEWHERE = "workbook-elsewhere"


@pytest.fixture(scope="package")
def registry(tmp_path_factory):
    """An image registry on the loopback: its `host:port`."""
    with serving(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="package")
def elsewhere(registry):
    """A second cluster, which does not belong to the workbook, and whose node can reach the registry.

    Not the tests' own: a node that has an image also by a name whose registry is gone finds it by no name any more.
    """
    if current().provider != "kind":
        pytest.skip("the second cluster is a kind cluster")
    other = Kind(Settings.from_environment(ELSEWHERE))
    ready.settle(other, other.start())  # one that has just started has no name service yet
    try:
        with known_to(other.node(), registry):
            yield other
    finally:
        other.delete()
        shutil.rmtree(clusters() / ELSEWHERE, ignore_errors=True)


@pytest.fixture(scope="package")
def handed_out(elsewhere, registry, tmp_path_factory):
    """The environment of each learner of a class on the second cluster, by name."""
    with taught(elsewhere, registry, tmp_path_factory.mktemp("handed-out")) as environments:
        yield environments
