"""`make clean` and `make down`: what they remove and stop, and what they leave alone."""

from types import SimpleNamespace

import pytest

from workbook.cli import clean, verbs


@pytest.fixture
def engine(monkeypatch, tmp_path):
    """An engine that records what is removed from it."""
    removed = []

    def image(*tags, digests=()):
        return SimpleNamespace(tags=list(tags), attrs={"RepoDigests": list(digests)})

    def network(name, containers):
        return SimpleNamespace(
            name=name, containers=containers, reload=lambda: None, remove=lambda: removed.append(f"network {name}")
        )

    fake = SimpleNamespace(removed=removed, network=network, networks=SimpleNamespace(list=lambda names: []))
    images = [image("web-app:1.0", "theirs:1"), image("workbook-node:abc"), image(digests=["python@sha256:1"]), image()]
    fake.images = SimpleNamespace(
        list=lambda: images,
        remove=lambda tag, force: removed.append(tag),
        prune=lambda filters: removed.append(f"untagged {filters['label']}"),
    )
    monkeypatch.setattr(clean, "running_engine", lambda: fake)
    monkeypatch.setattr(clean, "pulled", lambda: {"python@sha256:1"})
    monkeypatch.setattr(clean, "catalog", lambda: {"web-app:1.0": None})
    monkeypatch.setattr(clean.daemon, "stop", lambda: removed.append("engine"))
    monkeypatch.setattr(clean, "ROOT", tmp_path)
    return fake


def test_clean_removes_what_the_workbook_made_and_nothing_else(engine, monkeypatch, tmp_path):
    (tmp_path / "build").mkdir()
    cluster = SimpleNamespace(delete=lambda: engine.removed.append("cluster"))
    monkeypatch.setattr(clean, "made", lambda: [cluster])
    clean.clean()
    assert engine.removed[0] == "cluster" and engine.removed[-1] == "engine"
    label = "untagged app.kubernetes.io/managed-by=workbook"
    assert set(engine.removed[1:-1]) == {"web-app:1.0", "workbook-node:abc", "python@sha256:1", label}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("used", [True, False])
def test_clean_removes_the_network_of_kind_unless_a_cluster_uses_it(engine, monkeypatch, used):
    monkeypatch.setattr(clean, "made", list)
    engine.networks.list = lambda names: [engine.network("kind", containers=["theirs"] if used else [])]
    clean.clean()
    assert ("network kind" in engine.removed) != used


def test_clean_works_without_an_engine(engine, monkeypatch):
    monkeypatch.setattr(clean, "made", list)
    monkeypatch.setattr(clean, "running_engine", lambda: None)
    clean.clean()
    assert engine.removed == ["engine"]


def test_down_stops_every_cluster_of_the_workbook(monkeypatch, tmp_path):
    stopped = []
    clusters = [
        SimpleNamespace(folder=tmp_path / name, stop=lambda name=name: stopped.append(name)) for name in ("a", "b")
    ]
    monkeypatch.setattr(verbs, "made", lambda: clusters)
    verbs.down(verbs.Options())
    assert stopped == ["a", "b"]
