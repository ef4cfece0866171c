"""Rules that keep a reader's machine and secrets safe, checked in the sources, notebooks and manifests."""

import ast
import re

import nbformat
import pytest
import yaml

from workbook.base.notebooks import find
from workbook.base.paths import ROOT
from workbook.lessons.kubectl import MANIFESTS

SOURCES = sorted(path for folder in ("workbook", "node") for path in (ROOT / folder).rglob("*.py"))
SECRETS = {
    r"-----BEGIN [A-Z ]*(PRIVATE KEY|CERTIFICATE)": "a key or certificate",
    r"(client-key|client-certificate|certificate-authority)-data: *\S{20}": "a kubeconfig's secret",
    r"\beyJ[\w-]{20,}\.[\w-]{20,}\.": "a token",
    r"[?&]token=\w{8}": "a token",
    r"https?://[^/\s:@]+:[^/\s:@]+@": "a password in an address",
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_arguments_reach_a_shell(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in ("os.system", "os.popen", "eval", "exec", "subprocess.getoutput"), node.lineno
            assert not any(keyword.arg == "shell" for keyword in node.keywords), node.lineno


@pytest.mark.parametrize("path", find(), ids=lambda path: path.stem)
def test_no_output_contains_a_secret(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            for pattern, what in SECRETS.items():
                assert not re.search(pattern, str(output)), f"{what} in the output of: {cell.source}"


@pytest.mark.parametrize(
    "bad",
    ["-----BEGIN PRIVATE KEY", "client-key-data: " + "A" * 30, "http://x/?token=0123456789", "https://me:pass@host/"],
)
def test_secrets_are_recognized(bad):
    assert any(re.search(pattern, bad) for pattern in SECRETS)


@pytest.mark.parametrize("path", sorted(MANIFESTS.rglob("*.yaml")), ids=lambda path: path.name)
def test_pods_have_no_additional_rights(path):
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    spec = document.get("spec") or {}
    pod = spec.get("template", {}).get("spec", spec if document["kind"] == "Pod" else {})
    assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"}
    assert not any("hostPath" in volume for volume in pod.get("volumes", []))
    assert not any("securityContext" in container for container in pod.get("containers", []))
