"""The workbook's images: what app/images.toml says of them, and which are up to date."""

import hashlib
import json
import tarfile
import tomllib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbook.base.paths import ROOT

if TYPE_CHECKING:
    from docker import DockerClient

APP = ROOT / "app"
SOURCE = "kubernetes-workbook.source"
"""The label with the hash of an image's source."""
Recipe = dict[str, Any]


def catalog() -> dict[str, Recipe]:
    """The images that app/images.toml describes, by name and tag."""
    return tomllib.loads((APP / "images.toml").read_text(encoding="utf-8"))


def context(recipe: Recipe) -> Path:
    """The folder with the files that an image is built from."""
    return APP / str(recipe["context"])


def bases(images: Iterable[str]) -> list[str]:
    """The purposes of the base images that these images are built from."""
    recipes = catalog()
    return sorted({purpose for image in images for purpose in recipes[image]["bases"].values()})


def is_current(engine: "DockerClient", image: str) -> bool:
    """Whether `engine` has the image, built from its present source."""
    source = f"{SOURCE}={source_hash(catalog()[image])}"
    return bool(engine.images.list(filters={"reference": image, "label": source}))


def source_hash(recipe: Recipe) -> str:
    """A hash of what an image is made from: its recipe, and the files that the builder gets."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode() + archive(recipe)).hexdigest()[:12]


def archive(recipe: Recipe) -> bytes:
    """The files that an image is built from, as a tar archive for the builder; a .dockerignore is respected.

    Permissions, owners and times are always the same: a program in a container can read its file, whatever the umask
    was when the files were cloned, and the builder's cache is found again.

    Documentation: https://docs.docker.com/build/concepts/context/
    """
    # The Docker SDK is loaded with the engine, not with this module.
    from docker.utils import exclude_paths

    folder, content = context(recipe), BytesIO()
    ignore = folder / ".dockerignore"
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else []
    ignored = ["**/__pycache__", *(line for line in lines if line.strip() and not line.startswith("#"))]
    with tarfile.open(fileobj=content, mode="w") as out:
        for path in sorted(folder / name for name in exclude_paths(str(folder), ignored)):
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            if path.is_symlink():
                entry.type, entry.linkname = tarfile.SYMTYPE, path.readlink().as_posix()
            elif path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            elif path.is_file():
                data = path.read_bytes()
                entry.size, entry.mode = len(data), 0o755 if path.stat().st_mode & 0o100 else 0o644
                out.addfile(entry, BytesIO(data))
                continue
            else:  # a socket or a pipe
                continue
            out.addfile(entry)
    return content.getvalue()
