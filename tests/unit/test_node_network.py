"""The image of the network plugin, built with parts that stand in for the compiled ones."""

import io
import json
import tarfile
from types import SimpleNamespace

import pytest

from node import image, network
from node.archive import write_layer
from node.image import node_tag
from workbook.base.paths import ROOT


class Engine:
    """An engine that keeps the archives that it loads."""

    def __init__(self):
        self.tags, self.loaded = [], []
        self.images = SimpleNamespace(list=lambda tag: [each for each in self.tags if each == tag], load=self.load)

    def load(self, content):
        with tarfile.open(fileobj=io.BytesIO(content.read())) as archive:
            (described,) = json.load(archive.extractfile("manifest.json"))
            self.tags += described["RepoTags"]
            for layer in described["Layers"]:
                with tarfile.open(fileobj=archive.extractfile(layer)) as files:
                    self.loaded += files.getnames()


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """An empty engine, a program and a Debian that only have the files that are needed, and one more."""
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "home"))
    (tmp_path / "home/node").mkdir(parents=True)
    (tmp_path / "network").write_text("the plugin", encoding="utf-8")
    patterns = [*network.IPTABLES, *network.SHELL]
    debian = {pattern.replace("*", "x").replace("?", "4"): b"a file of Debian" for pattern in patterns}
    write_layer(tmp_path / "root.tar", debian | {"usr/bin/vim": b"not needed"})
    monkeypatch.setattr(network, "compiled", lambda part: tmp_path)
    monkeypatch.setattr(network, "filesystem", lambda purpose: tmp_path / "root.tar")
    return Engine()


def test_the_image_has_the_plugin_iptables_and_a_shell(engine):
    tag = network.network_image(engine)
    assert engine.tags == [tag] and tag.startswith("workbook-network:")
    assert {"usr/local/bin/network", "usr/bin/dash"} <= set(engine.loaded) and "usr/bin/vim" not in engine.loaded
    assert any("iptables" in name or "xtables" in name for name in engine.loaded)


def test_the_image_is_built_once(engine):
    network.network_image(engine)
    loaded = list(engine.loaded)
    network.network_image(engine)
    assert engine.loaded == loaded


def test_another_version_of_the_plugin_is_another_image_and_the_same_node_image(engine, monkeypatch):
    before, node = network.network_tag(), node_tag()
    monkeypatch.setitem(image.VERSIONS, "network", "0.9.0")
    assert network.network_tag() != before and node_tag() == node


def test_the_manifest_runs_the_program_that_the_image_has():
    text = (ROOT / "classroom/network.yaml").read_text(encoding="utf-8")
    assert text.count(" IMAGE\n") == 1 and "sh, -ec" in text and "--queue-num 98" in text and "--nfqueue-id=98" in text
