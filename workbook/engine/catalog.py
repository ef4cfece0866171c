"""The workbook's images: what app/images.toml says of them, and which are up to date."""

import hashlib
import json
import tomllib
from collections.abc import Iterable
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
    return tomllib.loads((APP / "images.toml").read_text())


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
    """A hash of what an image is made from: its recipe, and the names and contents of its context's files."""
    total = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
    for path in sorted(context(recipe).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            total.update(path.relative_to(context(recipe)).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()
