"""A second cluster, which does not belong to the workbook, with a class on it, and a registry on the loopback that its node can reach."""

import shutil
from pathlib import Path

import pytest

from tests import summary
from tests.existing.attacks import ATTACKS
from tests.existing.learners import ADA, User, taught
from tests.registry import known_to, serving
from workbook.cluster import ready
from workbook.cluster.choose import Settings, clusters
from workbook.cluster.current import current
from workbook.cluster.kind import Kind
from workbook.kube import kubeconfig
from workbook.kube.client import Api

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


@pytest.fixture(scope="package")
def ada(handed_out, tmp_path_factory):
    """A connection with a learner's own token."""
    file = tmp_path_factory.mktemp("ada") / "kubeconfig"
    # Otherwise the Kubernetes client copies the certificate into the folder for temporary files.
    kubeconfig.write(file, Path(handed_out[ADA]["KUBECONFIG"]).read_text(encoding="utf-8"), ADA, ADA)
    return Api(User(file, ADA, ADA))


def pytest_terminal_summary(terminalreporter):
    columns = ("attack", "refused by")
    summary.outcomes(terminalreporter, "test_attacks.py::test_an_attack", "Attacks by a learner", columns, attack)
    columns = ("place", "rights of a learner")
    summary.outcomes(terminalreporter, "test_rights.py::test_outside", "Rights outside", columns, rights)


def attack(report):
    _, what = summary.tested(report)
    by = next((each.by for each in ATTACKS if each.what == what), "")
    return what, by if report.passed else "✗"


def rights(report):
    return summary.tested(report)[1], summary.noted(report, "counts")
