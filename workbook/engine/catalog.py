"""The workbook's images: their descriptions in app/images.toml, and whether they are up to date."""

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
    """Return the images in app/images.toml, by name and tag."""
    return tomllib.loads((APP / "images.toml").read_text(encoding="utf-8"))


def context(recipe: Recipe) -> Path:
    """Return the folder with an image's build context."""
    return APP / str(recipe["context"])


def bases(images: Iterable[str]) -> list[str]:
    """Return the purposes of the base images of these images."""
    recipes = catalog()
    return sorted({purpose for image in images for purpose in recipes[image]["bases"].values()})


def is_current(engine: "DockerClient", image: str) -> bool:
    """Whether `engine` has the image, built from its current source."""
    source = f"{SOURCE}={source_hash(catalog()[image])}"
    return bool(engine.images.list(filters={"reference": image, "label": source}))


def source_hash(recipe: Recipe) -> str:
    """Return the hash of an image's recipe and build context."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode() + archive(recipe)).hexdigest()[:12]


def archive(recipe: Recipe) -> bytes:
    """Return an image's build context as a tar archive for the builder, without the files in .dockerignore.

    Permissions, owners and times are always the same. So a program in a container can read its files, whatever the umask
    was when they were cloned, and the builder's cache can be used again.

    Documentation: https://docs.docker.com/build/concepts/context/
    """
    # Imported here, because the Docker SDK loads slowly.
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
