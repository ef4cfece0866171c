"""The Debian file systems: their keys and the command that builds them."""

import json
import re

import pytest

from node import filesystem
from node.cache import HERE
from workbook.base.errors import WorkbookError


@pytest.fixture
def certificates(tmp_path, monkeypatch):
    """The machine's certificate authorities, in a file that tests may change."""
    monkeypatch.setattr(filesystem, "CERTIFICATES", tmp_path / "ca-certificates.crt")
    return tmp_path / "ca-certificates.crt"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "home"))


def test_each_purpose_has_its_own_key():
    assert len({filesystem.filesystem_key(purpose) for purpose in filesystem.PACKAGES}) == len(filesystem.PACKAGES)


def test_a_key_depends_on_the_certificates(certificates):
    keys = {filesystem.filesystem_key("python")}
    for text in ("one authority", "another authority"):
        certificates.write_text(text, encoding="utf-8")
        keys.add(filesystem.filesystem_key("python"))
    assert len(keys) == 3


def test_mmdebstrap_gets_the_packages_and_hooks(certificates, monkeypatch):
    certificates.write_text("an authority", encoding="utf-8")
    commands = []
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(filesystem, "run", lambda command, **_: commands.append(command))
    root = filesystem.filesystem("python")
    (command,) = commands
    assert root.name == "root.tar" and root.parent.name == f"filesystem-python-{filesystem.filesystem_key('python')}"
    assert "--include=usr-is-merged,python3,python3-pip,python-is-python3,ca-certificates" in command
    assert f'--customize-hook=cp {certificates} "$1"{certificates}' in command
    assert any("EXTERNALLY-MANAGED" in word for word in command) and not any(
        "cri-base.json" in word for word in command
    )
    assert filesystem.filesystem("python") == root and len(commands) == 1


def test_the_node_keeps_the_network_plugins_that_its_configuration_names():
    configuration = json.loads((HERE / "files/10-bridge.conflist").read_text(encoding="utf-8"))
    named = {plugin["type"] for plugin in configuration["plugins"]} | {configuration["plugins"][0]["ipam"]["type"]}
    [removal] = (hook for hook in filesystem.HOOKS["node"] if "/usr/lib/cni" in hook)
    assert set(re.findall(r"-e (\S+)", removal)) == named | {"loopback"}  # which containerd itself needs


def test_another_distribution_gets_an_explanation(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(WorkbookError, match="Debian or Ubuntu") as error:
        filesystem.filesystem("debian")
    assert "image registry" in error.value.fix
