"""What a verified bundle gives: wheels, programs, images, and minikube's cache."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbook.base.paths import home

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files were verified."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def provider(self) -> str:
        """The provider that it brings a cluster for."""
        return self.manifest["provider"]

    @property
    def packages(self) -> list[str]:
        """What makes pip install from the bundle and ask no index.

        It compiles nothing: Python does that with what it imports, and a class waits for a fourth of the time.
        """
        return ["--no-compile", "--no-index", "--find-links", str(self.folder / "wheels")]

    def program(self, name: str) -> Path | None:
        """The path of a program that the bundle brings, None when it does not.

        It is a copy among the workbook's files: a USB stick keeps no right to execute.
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
        return self.manifest["images"]["node"]["official"]

    def image(self, engine: "DockerClient", purpose: str) -> str:
        """The tag of the image for a purpose; loaded into `engine` where it is not there.

        Args:
            engine: where it is to be.
            purpose: `"node"`, or that of a base image: a key of `workbook.building.OFFICIAL`.
        """
        from workbook.base.steps import step
        from workbook.engine.pull import present

        told = self.manifest["images"][purpose]
        if not present(engine, told["tag"]):
            file = self.folder / told["file"]
            with (
                step(f"Load {told['tag']} from the bundle ({file.stat().st_size / 1e6:.0f} MB)"),
                file.open("rb") as archive,
            ):
                engine.images.load(archive)
        return told["tag"]

    def fill_minikube(self) -> None:
        """Puts the bundle's part for minikube into its cache, where it looks before it asks a network.

        Documentation: https://minikube.sigs.k8s.io/docs/handbook/offline/
        """
        from workbook.bundle.minikube import cache

        for name, told in self.manifest["files"].items():
            part, _, inside = name.partition("/")
            target = cache() / inside
            if part == "minikube" and not (target.exists() and target.stat().st_size == told["size"]):
                _copy(self.folder / name, target)


def _copy(source: Path, target: Path) -> None:
    """Copies a file that can be executed; it appears whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part-{os.getpid()}")
    shutil.copyfile(source, part)
    part.chmod(0o755)
    part.replace(target)
