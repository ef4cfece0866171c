"""The workbook's own kubeconfig."""

import base64
import os
import stat
from types import SimpleNamespace

import pytest
import yaml

from workbook.base.errors import WorkbookError
from workbook.kube import kubeconfig

TEXT = yaml.safe_dump(
    {
        "current-context": "production",
        "contexts": [
            {"name": "production", "context": {"cluster": "p", "user": "p"}},
            {"name": "kind-workbook", "context": {"cluster": "kind-workbook", "user": "kind-workbook"}},
        ],
        "clusters": [
            {
                "name": "kind-workbook",
                "cluster": {
                    "server": "https://127.0.0.1:1",
                    "certificate-authority-data": base64.b64encode(b"authority").decode(),
                },
            }
        ],
        "users": [{"name": "kind-workbook", "user": {"client-key-data": base64.b64encode(b"secret").decode()}}],
    }
)


def access(path, context="kind-workbook", namespace="workbook"):
    return SimpleNamespace(name="workbook", kubeconfig=path, context=context, namespace=namespace)


def test_our_context_and_namespace_become_current(tmp_path):
    path = tmp_path / "clusters" / "kubeconfig"
    ours = access(path)
    assert not kubeconfig.is_valid(ours)
    kubeconfig.write(path, TEXT, "kind-workbook", "workbook")
    assert kubeconfig.is_valid(ours)
    assert not kubeconfig.is_valid(access(path, context="production"))
    assert not kubeconfig.is_valid(access(path, namespace="default"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_nobody_else_reads_a_key(tmp_path):
    kubeconfig.write(tmp_path / "kubeconfig", TEXT, "kind-workbook", "workbook")
    assert (tmp_path / "user-client-key.pem").read_bytes() == b"secret"
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("planted", ["a file that others read", "a link to another file"])
def test_nobody_prepares_the_place_of_a_key(tmp_path, planted):
    folder, other = tmp_path / "cluster", tmp_path / "other"
    folder.mkdir(mode=0o777)
    other.write_text("another's", encoding="utf-8")
    part = folder / "kubeconfig.part"
    if planted.startswith("a file"):
        part.touch(mode=0o666)
        part.chmod(0o666)
    else:
        part.symlink_to(other)
    kubeconfig.write(folder / "kubeconfig", TEXT, "kind-workbook", "workbook")
    assert other.read_text(encoding="utf-8") == "another's"
    assert stat.S_IMODE((folder / "kubeconfig").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_context_that_is_not_there(tmp_path):
    with pytest.raises(WorkbookError, match="no context named 'other'"):
        kubeconfig.write(tmp_path / "kubeconfig", TEXT, "other", "workbook")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["", "contexts:", "{", "- 1", "contexts: [{name: kind-workbook}]"])
def test_a_damaged_file_is_not_valid(tmp_path, damage):
    (tmp_path / "kubeconfig").write_text(damage, encoding="utf-8")
    assert not kubeconfig.is_valid(access(tmp_path / "kubeconfig"))
