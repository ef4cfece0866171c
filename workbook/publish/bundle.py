"""`make bundle`: writes build/bundle/, all that a class needs without a network. The format: see this package."""

import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from importlib import metadata
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rich.console import Console
from rich.table import Table

import node
from node.archive import write_layer
from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.paths import ROOT, home
from workbook.base.processes import run
from workbook.base.steps import step
from workbook.bundle import manifest
from workbook.cluster.choose import Provider, remember
from workbook.cluster.current import current
from workbook.cluster.kind import Kind
from workbook.cluster.minikube import Minikube
from workbook.cluster.protocol import Cluster
from workbook.engine.build import base, proxies
from workbook.engine.catalog import APP, bases, catalog
from workbook.kube.kubectl import find_kubectl, missing
from workbook.machine import environment
from workbook.publish import archive as images

if TYPE_CHECKING:
    from docker import DockerClient

FOLDER = ROOT / "build" / "bundle"
MINIKUBE_TEMPORARY = (".lock", ".part")
HANDOUTS = ("handout.html", "handout.pdf")
WHEELS = "usr/share/workbook/wheels"
"""Where the base image for Python has the wheels of the applications, and what makes its pip look there and only there:"""
PIP = f"[global]\nno-index = true\nfind-links = /{WHEELS}\ndisable-pip-version-check = true\n"
STAMPED = {"SOURCE_DATE_EPOCH": "315532800"}
"""1980, the first time that a wheel can carry: one that is built here is the same each time."""


def bundle() -> None:
    """Writes the bundle, and says how large its parts are. What has not changed since the last time is kept.

    Raises:
        WorkbookError: a part could not be had; or this runs from a bundle, which is copied rather than made anew.
    """
    if current().settings.bundle:
        raise WorkbookError("A bundle is not made from another one.", fix="Copy that one, or run this without BUNDLE.")
    with lock(home() / "bundle.lock", "bundle"), _making() as part:
        ours = current()
        engine = _engine(ours)
        told = {
            "format": manifest.FORMAT,
            "machine": manifest.machine(),
            "workbook": manifest.version(),
            "wants": manifest.wants(),
            "provider": ours.provider.value,
            "images": {},
        }
        _workbook(part)
        _wheels(part)
        _programs(part, ours)
        for purpose in bases(catalog()):
            told["images"][purpose] = _base(part, engine, purpose)
        if isinstance(ours, Kind):
            image, official = ours.node_image()
            told["images"]["node"] = _image(part, engine, "node", image) | {"official": official}
        _handout(part)
        total = part.finish(told)
    _report(FOLDER, manifest.read(FOLDER)["files"])
    print(f"The bundle: {FOLDER}\nsha256 of its manifest: {total}")


class Part:
    """The bundle while it is made: knows which files were written this time, and which can be kept from the last."""

    def __init__(self, folder: Path, last: dict[str, Any]) -> None:
        self.folder, self._last = folder, last
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, source: Path) -> None:
        """Copies a file to the path `name` in the bundle."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, self.folder / name)
        self.files[name] = manifest.entry(self.folder / name)

    def make(self, name: str, make: Callable[[Path], None]) -> None:
        """Has `make` write a file whose name says all of its content, unless it is there, and is as it was written."""
        path = self.folder / name
        if not (path.exists() and manifest.entry(path) == self._last.get(name)):
            path.parent.mkdir(parents=True, exist_ok=True)
            make(path)
        self.files[name] = manifest.entry(path)

    def finish(self, told: dict[str, Any]) -> str:
        """Removes what was not written this time, and writes the manifest, last of all; returns its sum."""
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path.relative_to(self.folder).as_posix() not in self.files:
                path.unlink()
        return manifest.write(self.folder, told | {"files": self.files})


@contextmanager
def _making() -> Iterator[Part]:
    """The bundle's folder, without a manifest until it is whole: an interrupted one is no bundle."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        last = manifest.read(FOLDER)["files"]
    except (OSError, ValueError):  # there was none, or it is damaged
        last = {}
    for name in (manifest.NAME, manifest.SUM):
        (FOLDER / name).unlink(missing_ok=True)
    yield Part(FOLDER, last)


def _engine(ours: Cluster) -> "DockerClient":
    """The engine whose images go into the bundle; minikube's is in its node, which is started for that."""
    if ours.provider is Provider.EXISTING:
        raise WorkbookError(
            "A bundle is made for minikube or kind, and this is a cluster that somebody else runs.",
            fix="Set WORKBOOK_CLUSTER to minikube or kind.",
        )
    if isinstance(ours, Minikube):
        remember(ours.folder, ours.provider)
        ours.start()
    return ours.docker()


def _workbook(part: Part) -> None:
    """The workbook itself, without what it makes and git keeps out."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()] + [".git"]
    with step("Pack the workbook"), tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch, "workbook.tar.gz")
        with images.compressed(archive) as out:
            for path in sorted(ROOT.rglob("*")):
                inside = path.relative_to(ROOT)
                if path.is_file() and not any(fnmatch(name, given) for name in inside.parts for given in ignored):
                    mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                    images.add(out, f"workbook/{inside.as_posix()}", path.read_bytes(), mode)
        part.add("workbook.tar.gz", archive)


def installed(wanted: list[str]) -> list[str]:
    """What this environment has of the packages in `wanted` and of all that they need, as `name==version`, sorted.

    Raises:
        PackageNotFoundError: one of them is not installed.
    """
    found: dict[str, str] = {}
    todo = [(Requirement(text), "") for text in wanted]
    seen = set()
    while todo:
        asked, extra = todo.pop()
        if asked.marker and not asked.marker.evaluate({"extra": extra}):
            continue
        there = metadata.distribution(asked.name)
        found[canonicalize_name(asked.name)] = there.version
        for more in ("", *asked.extras):
            if (asked.name, more) not in seen:
                seen.add((asked.name, more))
                todo += [(Requirement(text), more) for text in there.requires or []]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def _wheels(part: Part) -> None:
    """The packages of this very environment, and those that build the workbook's own."""
    backend = manifest.build_requirements()
    with step("Fetch the Python packages") as running, tempfile.TemporaryDirectory() as scratch:
        for words in (["--no-deps", *installed(environment.requirements(*manifest.EXTRAS))], backend):
            run(
                [sys.executable, "-m", "pip", "wheel", "--wheel-dir", scratch, *words],
                env=STAMPED,
                timeout=1800,
                on_line=running.update,
                fix="Connect to a network with a Python package index; behind a proxy, set HTTPS_PROXY and PIP_CERT.",
            )
        for wheel in sorted(Path(scratch).glob("*.whl")):
            part.add(f"wheels/{wheel.name}", wheel)


def download_for_minikube(home: Path, command: list[str]) -> dict[str, Path]:
    """Have minikube download everything that its start needs into an empty home, which then contains nothing else.

    So no file names of minikube's are needed here: they change from version to version.

    Args:
        home: an empty folder.
        command: the start that is to work without a network.

    Returns:
        Path within the cache → the file.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/start/
    """
    environment = {"MINIKUBE_HOME": str(home), "KUBECONFIG": str(home / "kubeconfig"), "MINIKUBE_IN_STYLE": "false"}
    with step("Have minikube download what its cluster is made of") as running:
        run([*command, "--download-only"], env=environment, show=True, timeout=3600, on_line=running.update)
    filled = home / ".minikube" / "cache"
    return {
        path.relative_to(filled).as_posix(): path
        for path in sorted(filled.rglob("*"))
        if path.is_file() and path.suffix not in MINIKUBE_TEMPORARY
    }


def _programs(part: Part, ours: Cluster) -> None:
    """kind and kubectl; or minikube, and its cache."""
    if isinstance(ours, Minikube):
        part.add("bin/minikube", Path(shutil.which("minikube")).resolve())
        with tempfile.TemporaryDirectory() as home:
            for name, path in download_for_minikube(Path(home), ours.starting()).items():
                part.add(f"minikube/{name}", path)
        return
    suffix = ".exe" if os.name == "nt" else ""
    part.add(f"bin/kind{suffix}", node.kind())
    minor = int(manifest.wants()["kubernetes"].split(".")[1])
    kubectl = find_kubectl(minor, first=node.kubectl())
    if not kubectl:
        raise missing()
    part.add(f"bin/kubectl{suffix}", Path(kubectl))


def _base(part: Part, engine: "DockerClient", purpose: str) -> dict[str, str]:
    """A base image; that for Python with the wheels of the applications."""
    image = base(engine, purpose)
    if purpose != "python":
        return _image(part, engine, purpose, image)
    with tempfile.TemporaryDirectory() as scratch:
        layer = Path(scratch, "layer.tar")
        wheels = _applications_wheels(engine, image)
        write_layer(layer, {"etc/pip.conf": PIP.encode()} | {f"{WHEELS}/{name}": it for name, it in wheels.items()})
        return _image(part, engine, purpose, image, layer.read_bytes())


def _image(part: Part, engine: "DockerClient", purpose: str, image: str, *layers: bytes) -> dict[str, str]:
    """An image, with further layers on top."""
    with step(f"Pack the image for {purpose}"), images.saved(engine, image) as held:
        config = held.config
        for layer in layers:
            config = images.with_layer(config, layer, "the applications' wheels, and a pip that asks no network")
        number = images.identity(config)
        tag, file = f"workbook-{purpose}:bundle-{number}", f"images/{purpose}-{number}.tar.gz"
        part.make(file, lambda archive: images.write(archive, tag, held, config, *layers))
    return {"tag": tag, "file": file}


def _applications_wheels(engine: "DockerClient", base: str) -> dict[str, bytes]:
    """The wheels that the applications' requirements name, chosen by the pip of the base that is to install them."""
    wanted = sorted(APP.glob("*/requirements.txt"))
    names = [f"{path.parent.name}.txt" for path in wanted]
    words = ["pip", "download", "--only-binary=:all:", "--dest=/wheels"]
    with step("Fetch the applications' packages"):
        container = engine.containers.create(
            base,
            [*words, *(word for name in names for word in ("-r", f"/{name}"))],
            environment=proxies(),
            labels=labels.MANAGED,
        )
        try:
            given = BytesIO()
            with tarfile.open(fileobj=given, mode="w") as archive:
                for name, path in zip(names, wanted, strict=True):
                    images.add(archive, name, path.read_bytes())
            container.put_archive("/", given.getvalue())
            container.start()
            if container.wait(timeout=600)["StatusCode"]:
                raise WorkbookError(
                    "The applications' packages could not be fetched.",
                    container.logs(tail=10).decode(errors="replace").strip(),
                    "Connect to a network with a Python package index; behind a proxy, set HTTPS_PROXY.",
                )
            stream, _ = container.get_archive("/wheels")
            with tarfile.open(fileobj=BytesIO(b"".join(stream))) as archive:
                return {
                    Path(member.name).name: archive.extractfile(member).read()
                    for member in archive.getmembers()
                    if member.isfile()
                }
        finally:
            container.remove(force=True)


def _handout(part: Part) -> None:
    for name in HANDOUTS:
        if (printed := ROOT / "build" / name).exists():
            part.add(f"handout/{name}", printed)


def _report(folder: Path, files: dict[str, dict[str, Any]]) -> None:
    """Prints what each part of the bundle takes."""
    table = Table("part", "files", "MB", title=f"{folder.name}: what is in it")
    sizes: dict[str, list[int]] = {}
    for name, told in sorted(files.items()):
        sizes.setdefault(name.partition("/")[0], []).append(told["size"])
    for name, ours in sizes.items():
        table.add_row(name, str(len(ours)), f"{sum(ours) / 1e6:.1f}")
    table.add_section()
    table.add_row("all", str(len(files)), f"{sum(told['size'] for told in files.values()) / 1e6:.1f}")
    Console().print(table)
