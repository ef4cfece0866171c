"""The choice of the provider, which then stays the same."""

import pytest
import yaml

from workbook.base.errors import WorkbookError
from workbook.cluster.choose import Settings, choose, remember
from workbook.cluster.current import current, made, own, select
from workbook.cluster.protocol import short_name
from workbook.kube import kubeconfig


def installed(monkeypatch, *programs):
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" if name in programs else None)


def test_minikube_where_it_is_installed(home, monkeypatch):
    installed(monkeypatch, "minikube", "kind")
    assert choose()[0] == "minikube"


def test_kind_where_it_is_not(home, monkeypatch):
    installed(monkeypatch)
    assert choose() == ("kind", "minikube is not installed")


def test_the_environment_decides(home, monkeypatch):
    installed(monkeypatch, "minikube")
    monkeypatch.setenv("WORKBOOK_CLUSTER", "kind")
    assert choose()[0] == "kind"


def test_an_unknown_provider_is_named(home, monkeypatch):
    monkeypatch.setenv("WORKBOOK_CLUSTER", "k3d")
    with pytest.raises(WorkbookError, match=r"'k3d'.*\n.*minikube, kind, existing"):
        choose()


def test_a_cluster_keeps_its_provider_when_another_gets_installed(home, monkeypatch):
    installed(monkeypatch)
    remember(current().folder, current().provider)
    installed(monkeypatch, "minikube")
    assert choose() == ("kind", "this cluster was created with it")


def test_the_clusters_that_were_made_are_found_again(home, monkeypatch):
    installed(monkeypatch)
    for name in ("workbook", "workbook-test"):
        monkeypatch.setenv("WORKBOOK_PROFILE", name)
        remember(current().folder, current().provider)
    assert [(one.name, one.provider) for one in made()] == [("workbook", "kind"), ("workbook-test", "kind")]


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("docker.io/library/web-app:1.0", "web-app:1.0"),
        ("web-app:1.0", "web-app:1.0"),
        ("localhost:5000/web-app:1.0", "localhost:5000/web-app:1.0"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
    ],
)
def test_images_by_the_names_that_people_use(text, image):
    assert short_name(text) == image


def test_existing_asks_for_its_context_and_keeps_it(home, monkeypatch):
    monkeypatch.setenv("WORKBOOK_CLUSTER", "existing")
    for name in ("WORKBOOK_CONTEXT", "WORKBOOK_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(WorkbookError, match=r"WORKBOOK_CONTEXT is not set"):
        current().status()
    current().delete()  # nothing was made, so there is nothing to name

    config = {"contexts": [{"name": "cloud", "context": {"cluster": "c", "user": "u"}}]}
    kubeconfig.write(
        Settings.from_environment("workbook").folder / "kubeconfig", yaml.safe_dump(config), "cloud", "learner-7"
    )
    assert (current().context, current().namespace) == ("cloud", "learner-7")


@pytest.fixture
def profile(home, monkeypatch):
    """A function that sets the cluster's name, which the test may change through `select`."""
    installed(monkeypatch)
    monkeypatch.setenv("WORKBOOK_PROFILE", "mine")  # so that it is restored after the test
    return lambda name: monkeypatch.setenv("WORKBOOK_PROFILE", name)


def test_a_process_uses_the_cluster_with_two_nodes_and_then_its_own_again(profile):
    assert (select(1).name, select(1).settings.nodes) == ("mine", 1)
    assert (select(2).name, select(2).settings.nodes, current().name, own().name) == ("mine-two", 2, "mine-two", "mine")
    assert (select(1).name, current().name, own().name) == ("mine", "mine", "mine")


def test_the_cluster_with_two_nodes_has_the_provider_of_the_own_one(profile, monkeypatch):
    remember(own().folder, own().provider)
    installed(monkeypatch, "minikube")
    assert (select(2).provider, select(1).provider) == ("kind", "kind")
    profile("another")
    assert select(2).provider == "minikube"


def test_clean_finds_the_cluster_with_two_nodes(profile):
    for nodes in (1, 2):
        remember(select(nodes).folder, select(nodes).provider)
    assert [(each.name, each.settings.nodes) for each in made()] == [("mine", 1), ("mine-two", 2)]


def test_an_existing_cluster_stays_selected(profile, monkeypatch):
    monkeypatch.setenv("WORKBOOK_CLUSTER", "existing")
    assert (select(2).name, own().name) == ("mine", "mine")
