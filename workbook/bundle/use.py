"""Use a verified bundle: its wheels, programs, images, and files for minikube's cache."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.paths import home
from workbook.bundle.manifest import Manifest

SUFFIX = ".exe" if os.name == "nt" else ""
"""The suffix of programs on this system."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """A verified bundle; `seal` is the checksum of its manifest."""

    folder: Path
    manifest: Manifest
    seal: str

    @property
    def provider(self) -> str:
        """The provider of the bundle's cluster."""
        return self.manifest["provider"]

    @property
    def packages(self) -> list[str]:
        """Options that make pip install from the bundle, without an index.

        pip does not compile the packages: Python compiles the imported modules later, which takes a quarter of the time.
        """
        return ["--no-compile", "--no-index", "--find-links", str(self.folder / "wheels")]

    def has(self, name: str) -> bool:
        """Whether the bundle contains a program."""
        return f"bin/{name}{SUFFIX}" in self.manifest["files"]

    def program(self, name: str) -> Path | None:
        """Return the path of a program; None if the bundle does not contain it.

        It is a copy in the workbook's folder, because a USB stick does not keep the permission to execute.
        """
        if not self.has(name):
            return None
        inside = f"bin/{name}{SUFFIX}"
        copy = home() / "bundle" / self.manifest["files"][inside]["sha256"][:12] / Path(inside).name
        if not copy.exists():
            _copy(self.folder / inside, copy)
        return copy

    def official(self) -> bool:
        """Whether the node's image is kind's own."""
        return self.manifest["images"]["node"].get("official", False)

    def archive(self, purpose: str) -> tuple[str, Path]:
        """Return an image's tag and its archive.

        Args:
            purpose: "node", a key of `workbook.engine.build.OFFICIAL`, or for a class one of `CLASS`, or "network".

        Raises:
            WorkbookError: the bundle was not made for a class.
        """
        if not (image := self.manifest["images"].get(purpose)):
            raise WorkbookError(
                f"The bundle has no image for {purpose}.",
                "A class on one cluster needs images that a bundle contains only on request, since they are large.",
                "Run `make bundle ARGS=--class` on a machine with a network, and use that bundle.",
            )
        return image["tag"], self.folder / image["file"]

    @property
    def workbook(self) -> Path:
        """The archive of the workbook itself."""
        return self.folder / "workbook.tar.gz"

    def fill_minikube(self) -> None:
        """Copy files into minikube's cache, where minikube looks before it downloads."""
        for name, entry in self.manifest["files"].items():
            top, _, inside = name.partition("/")
            target = minikube_cache() / inside
            if top == "minikube" and not (target.exists() and target.stat().st_size == entry["size"]):
                _copy(self.folder / name, target)


def minikube_cache() -> Path:
    """Return minikube's folder of downloads: `.minikube/cache` in `$MINIKUBE_HOME`, or in the user's home.

    `MINIKUBE_HOME` may also name the folder `.minikube` itself.

    Documentation: https://minikube.sigs.k8s.io/docs/handbook/offline/
    """
    home = Path(os.environ.get("MINIKUBE_HOME") or Path.home())
    return (home if home.name == ".minikube" else home / ".minikube") / "cache"


def _copy(source: Path, target: Path) -> None:
    """Copy a file and make it executable. The target is complete or absent."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part-{os.getpid()}")
    shutil.copyfile(source, part)
    part.chmod(0o755)
    part.replace(target)
