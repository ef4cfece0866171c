"""Use a verified bundle: wheels, programs, images, and minikube's cache. Needs only the standard library."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook.base.paths import home
from workbook.bundle import minikube


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle whose files were verified."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def provider(self) -> str:
        """The provider whose cluster it contains."""
        return str(self.manifest["provider"])

    @property
    def packages(self) -> list[str]:
        """Options that make pip install from the bundle and ask no index.

        pip does not compile the packages: Python compiles what it imports, which takes a quarter of the time.
        """
        return ["--no-compile", "--no-index", "--find-links", str(self.folder / "wheels")]

    def program(self, name: str) -> Path | None:
        """The path of a program in the bundle; None when the bundle does not contain it.

        It is a copy in the workbook's folder: a USB stick does not keep the permission to execute.
        """
        inside = f"bin/{name}.exe" if os.name == "nt" else f"bin/{name}"
        if inside not in self.manifest["files"]:
            return None
        copy = home() / "bundle" / self.manifest["files"][inside]["sha256"][:12] / Path(inside).name
        if not copy.exists():
            _copy(self.folder / inside, copy)
        return copy

    def official(self) -> bool:
        """Whether the node's image is kind's own."""
        return bool(self.manifest["images"]["node"]["official"])

    def archive(self, purpose: str) -> tuple[str, Path]:
        """The tag of the image for a purpose, and the archive to load it from.

        Args:
            purpose: `"node"`, or that of a base image: a key of `workbook.engine.build.OFFICIAL`.
        """
        image = self.manifest["images"][purpose]
        return image["tag"], self.folder / image["file"]

    def fill_minikube(self) -> None:
        """Copy the bundle's part for minikube into its cache, where minikube looks before it downloads.

        Documentation: https://minikube.sigs.k8s.io/docs/handbook/offline/
        """
        for name, entry in self.manifest["files"].items():
            part, _, inside = name.partition("/")
            target = minikube.cache() / inside
            if part == "minikube" and not (target.exists() and target.stat().st_size == entry["size"]):
                _copy(self.folder / name, target)


def _copy(source: Path, target: Path) -> None:
    """Copy a file and make it executable; the target is complete or absent."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part-{os.getpid()}")
    shutil.copyfile(source, part)
    part.chmod(0o755)
    part.replace(target)
