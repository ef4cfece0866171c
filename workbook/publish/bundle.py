"""`make bundle`: write everything that a class without a network needs to build/bundle/. workbook.bundle has the format."""

import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

import node
from workbook.base import labels
from workbook.base.commands import for_this_system
from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.own_files import own_files
from workbook.base.paths import ROOT, home, locks
from workbook.base.processes import read, run
from workbook.base.steps import step
from workbook.bundle import manifest
from workbook.bundle.manifest import File, Image, Manifest
from workbook.bundle.read import read as read_manifest
from workbook.bundle.use import SUFFIX
from workbook.cluster.choose import Provider, remember
from workbook.cluster.current import current
from workbook.cluster.kind import Kind
from workbook.cluster.minikube import Minikube, installed_minikube
from workbook.cluster.protocol import Cluster
from workbook.engine.build import base
from workbook.engine.catalog import APP, bases, catalog
from workbook.engine.packages import packages
from workbook.engine.proxies import proxies
from workbook.machine import environment
from workbook.publish import archive as images
from workbook.publish import sbom
from workbook.publish.sbom import Part

if TYPE_CHECKING:
    from docker import DockerClient

FOLDER = ROOT / "build" / "bundle"
SHARE = "usr/share/workbook"  # the folder of the applications' wheels in the base image for Python
PIP = f"[global]\nno-index = true\nfind-links = /{SHARE}/wheels\ndisable-pip-version-check = true\n"
"""The base image's /etc/pip.conf, which makes pip install only from that folder."""


def bundle(*, for_class: bool = False) -> None:
    """Write the bundle, and print the size of its parts. Unchanged parts of the last bundle are kept.

    Args:
        for_class: add what a class on one cluster needs, in a browser or not.

    Raises:
        WorkbookError: something could not be downloaded or built; or a bundle is in use.
    """
    cluster = current()
    if cluster.settings.bundle:
        raise WorkbookError(
            "A bundle cannot be made from another bundle.", fix="Copy that bundle, or run this without BUNDLE."
        )
    if cluster.provider is Provider.EXISTING:
        raise WorkbookError(
            "A bundle contains a cluster of minikube or kind, but WORKBOOK_CLUSTER selects an existing cluster.",
            fix="Set WORKBOOK_CLUSTER to minikube or kind.",
        )
    with lock(home() / "bundle.lock", "bundle"):
        new = Writer(FOLDER)
        _add_workbook(new)
        if isinstance(cluster, Minikube):  # the engine with the images to pack is in its node
            remember(cluster.folder, cluster.provider)
            cluster.start()
        engine = cluster.docker()
        _add_wheels(new)
        parts = _add_programs(new, cluster)
        packed = {}
        for purpose in bases(catalog()):
            image = base(engine, purpose)
            layers = [_applications(engine, image)] if purpose == "python" else []
            packed[purpose], part = _add_image(new, engine, purpose, image, *layers)
            parts.append(part)
        for purpose, image in packages(engine).items() if for_class else ():
            packed[purpose], part = _add_image(new, engine, purpose, image)
            parts.append(part)
        if isinstance(cluster, Kind):
            image, official = cluster.node_image()
            packed["node"], part = _add_image(new, engine, "node", image)
            packed["node"]["official"] = official
            parts.append(part if official else _with(part, *sbom.NODE))
            if for_class and not official:  # kind's own image has a network plugin
                packed["network"], part = _add_image(new, engine, "network", node.network_image(engine))
                parts.append(_with(part, "network"))
        build = ROOT / "build"
        for page in (*build.glob("handout.*"), *build.glob("cheat-sheet.pdf")):
            new.add(f"handout/{page.name}", page)
        new.write(sbom.NAME, sbom.sbom(manifest.version(), new.files, parts))
        content: Manifest = {
            "format": manifest.FORMAT,
            "machine": manifest.machine(),
            "workbook": manifest.version(),
            "wants": manifest.wants(for_class=for_class),
            "provider": cluster.provider.value,
            "images": packed,
            "files": new.files,
        }
        seal = new.finish(content)
        read_manifest(FOLDER)  # refuses what a class would refuse
    _print_sizes(new.files)
    print(f"The bundle: {FOLDER}\nsha256 of its manifest: {seal}")
    print(f"sha256 of workbook.tar.gz: {new.files['workbook.tar.gz']['sha256']}")
    print(
        "Write down both sums, and give them to the class separately from the bundle. Compare that of workbook.tar.gz first."
    )
    print(for_this_system(f"Then `make lab BUNDLE=… SUM={seal}` refuses any other bundle."))


class Writer:
    """Writes a bundle into a folder, which has no manifest until `finish`: an interrupted bundle is refused."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, File] = {}
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._last = read_manifest(folder)["files"]
        except WorkbookError:  # the first bundle, or a damaged one
            self._last = {}
        (folder / manifest.NAME).unlink(missing_ok=True)

    def add(self, name: str, source: Path) -> None:
        """Copy a file to the path `name` in the bundle."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, self.folder / name)
        self.files[name] = manifest.entry(self.folder / name)

    def write(self, name: str, text: str) -> None:
        """Write a text to the path `name` in the bundle."""
        (self.folder / name).write_text(text, encoding="utf-8", newline="\n")
        self.files[name] = manifest.entry(self.folder / name)

    def make(self, name: str, make: Callable[[Path], None]) -> None:
        """Let `make` write the file `name`, which identifies its content, unless the last bundle has it undamaged."""
        path = self.folder / name
        if not (path.exists() and manifest.entry(path) == self._last.get(name)):
            path.parent.mkdir(parents=True, exist_ok=True)
            make(path)
        self.files[name] = manifest.entry(path)

    def finish(self, content: Manifest) -> str:
        """Remove leftovers of the last bundle, then write `content` as the manifest; return its checksum."""
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path.relative_to(self.folder).as_posix() not in self.files:
                path.unlink()
        return manifest.write(self.folder, content)


def _add_workbook(new: Writer) -> None:
    """Add the workbook itself."""
    with step("Pack the workbook"), tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch, "workbook.tar.gz")
        with images.compressed(archive) as out:
            for path in own_files():
                mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                images.add(out, f"workbook/{path.relative_to(ROOT).as_posix()}", path.read_bytes(), mode)
        new.add("workbook.tar.gz", archive)


def _add_wheels(new: Writer) -> None:
    """Add the Python packages that the notebooks and their tests need."""
    with step("Fetch the Python packages") as running, tempfile.TemporaryDirectory() as scratch:
        pinned = ["--require-hashes", *(f"--requirement={path}" for path in locks(*manifest.EXTRAS))]
        run(
            [sys.executable, "-I", "-m", "pip", "download", "--only-binary=:all:", "--dest", scratch, *pinned],
            env=environment.pip_settings(Path(sys.executable)),
            timeout=1800,
            on_line=running.update,
            fix="Connect to a network with a Python package index; behind a proxy, set HTTPS_PROXY and PIP_CERT.",
        )
        for wheel in Path(scratch).glob("*.whl"):
            new.add(f"wheels/{wheel.name}", wheel)


def download_for_minikube(home: Path, command: list[str]) -> dict[str, Path]:
    """Download what `command` needs to start minikube into the empty folder `home`; return path in its cache → file.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/start/
    """
    environment = {"MINIKUBE_HOME": str(home), "KUBECONFIG": str(home / "kubeconfig"), "MINIKUBE_IN_STYLE": "false"}
    with step("Download minikube's cluster") as running:
        run([*command, "--download-only"], env=environment, show=True, timeout=3600, on_line=running.update)
    cache = home / ".minikube" / "cache"
    return {
        path.relative_to(cache).as_posix(): path
        for path in sorted(cache.rglob("*"))
        if path.is_file() and path.suffix not in (".lock", ".part")
    }


def _add_programs(new: Writer, cluster: Cluster) -> list[Part]:
    """Add kind; or minikube, and the files for its cache, a kubectl among them. Return their descriptions.

    The kubectl for kind is among the wheels.
    """

    def add(name: str, program: Path, version: str) -> Part:
        path = f"bin/{name}{SUFFIX}"
        new.add(path, program)
        return sbom.program(path, name, version, new.files[path]["sha256"])

    if isinstance(cluster, Minikube):
        program = installed_minikube()
        with tempfile.TemporaryDirectory() as home:
            version = read([program, "version", "--short"], env={"MINIKUBE_HOME": home}).strip()
            minikube = add("minikube", Path(program).resolve(), version)
            for name, path in download_for_minikube(Path(home), cluster.starting).items():
                new.add(f"minikube/{name}", path)
        return [minikube]
    return [add("kind", node.kind(), read([node.kind(), "version", "--quiet"]).strip())]


def _add_image(new: Writer, engine: "DockerClient", purpose: str, image: str, *layers: bytes) -> tuple[Image, Part]:
    """Add an image with further layers on top. Return its entry in the manifest, and its description."""
    with step(f"Pack the image for {purpose}"), images.saved(engine, image) as saved:
        config = saved.config
        for layer in layers:
            config = images.with_layer(config, layer, "the applications' wheels, and a pip that needs no network")
        identity = images.identity(config)
        tag, file = f"workbook-{purpose}:bundle-{identity[:12]}", f"images/{purpose}-{identity[:12]}.tar.gz"
        new.make(file, lambda archive: images.write(archive, tag, saved, config, *layers))
        wanted = re.compile(f"{sbom.RELEASE}|{sbom.STATUS}|{sbom.INSTALLED.pattern}")  # the layers are read once
        installed = saved.texts(wanted)
    release, status = (installed.pop(name, "") for name in (sbom.RELEASE, sbom.STATUS))
    parts = [
        *sbom.debian_parts(file, release, status),
        *sbom.installed_parts(file, installed),
        *(part for layer in layers for part in sbom.wheels(file, layer)),
    ]
    return {"tag": tag, "file": file}, sbom.image(file, image, identity, parts)


def _with(image: Part, *programs: str) -> Part:
    """Describe an image to which node/ has added these programs."""
    return replace(image, parts=(*image.parts, *sbom.programs(image.path, *programs)))


def _applications(engine: "DockerClient", base: str) -> bytes:
    """The layer with the wheels of the applications' requirements, as chosen by the base image's pip."""
    requirements = {f"{path.parent.name}.txt": path.read_bytes() for path in APP.glob("*/requirements.txt")}
    words = ["pip", "download", "--only-binary=:all:", "--dest=/wheels"]
    words += [f"--requirement=/{name}" for name in sorted(requirements)]
    with step("Fetch the applications' packages"):
        container = engine.containers.create(base, words, environment=proxies(), labels=labels.MANAGED)
        try:
            container.put_archive("/", images.layer(requirements))
            container.start()
            if container.wait(timeout=600)["StatusCode"]:
                raise WorkbookError(
                    "The applications' packages could not be fetched.",
                    container.logs(tail=10).decode(errors="replace").strip(),
                    "Connect to a network with a Python package index; behind a proxy, set HTTPS_PROXY.",
                )
            stream, _ = container.get_archive("/wheels")
            with tarfile.open(fileobj=BytesIO(b"".join(stream))) as archive:
                files = {entry.name: archive.extractfile(entry) for entry in archive}  # None for the folder itself
                wheels = {f"{SHARE}/{name}": file.read() for name, file in files.items() if file}
            return images.layer({"etc/pip.conf": PIP.encode(), **wheels})
        finally:
            container.remove(force=True)


def _print_sizes(files: Mapping[str, File]) -> None:
    sizes: dict[str, list[int]] = {}
    for name, file in sorted(files.items()):
        sizes.setdefault(name.partition("/")[0], []).append(file["size"])
    sizes["total"] = [file["size"] for file in files.values()]
    table = Table("part", "files", "MB", title="Contents of the bundle")
    for part, each in sizes.items():
        table.add_row(part, str(len(each)), f"{sum(each) / 1e6:.1f}")
    Console().print(table)
