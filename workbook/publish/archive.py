"""Archives of images that depend on nothing but the image: what `docker save` writes carries its own order and times.

The format is that of node/archive.py; engines of every age load it.
"""

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from docker import DockerClient

LEVEL = 6
"""gzip's; every engine and every system unpacks it."""


class Saved:
    """An image as the engine holds it: its description, and its layers, bottom first."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        manifest = json.loads(archive.extractfile("manifest.json").read())[0]
        self.config: bytes = archive.extractfile(manifest["Config"]).read()
        self._layers = manifest["Layers"]

    def layers(self) -> Iterator[tuple[int, IO[bytes]]]:
        """Size in bytes and content of each layer."""
        for name in self._layers:
            content = self._archive.extractfile(name)  # follows the links by which docker names a layer twice
            size = content.seek(0, io.SEEK_END)
            content.seek(0)
            yield size, content


@contextmanager
def saved(engine: DockerClient, image: str) -> Iterator[Saved]:
    """What `docker save` gives for an image, for the length of the block."""
    identity = engine.images.get(image).id
    with tempfile.TemporaryFile() as file:
        for chunk in engine.api.get_image(identity):
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            yield Saved(archive)


def with_layer(config: bytes, layer: bytes, what: str) -> bytes:
    """An image's description with one more layer on top.

    Args:
        config: the description.
        layer: an uncompressed tar.
        what: what the layer is, for `docker history`.
    """
    described: dict[str, Any] = json.loads(config)
    described["rootfs"]["diff_ids"].append(f"sha256:{hashlib.sha256(layer).hexdigest()}")
    if "history" in described:
        described["history"].append({"created_by": what, "created": described.get("created")})
    return json.dumps(described, sort_keys=True).encode()


def identity(config: bytes) -> str:
    """The image's number, which follows from its description, shortened for a tag."""
    return hashlib.sha256(config).hexdigest()[:12]


def write(archive: Path, tag: str, image: Saved, config: bytes, *more: bytes) -> None:
    """Writes an archive for `docker load`.

    Args:
        archive: the file.
        tag: the name that the image gets when it is loaded.
        image: whose layers come first.
        config: the description of the whole.
        more: further layers, uncompressed tars.
    """
    digests = [digest.removeprefix("sha256:") for digest in json.loads(config)["rootfs"]["diff_ids"]]
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [tag], "Layers": [f"{digest}.tar" for digest in digests]}]
    layers = [*image.layers(), *((len(layer), io.BytesIO(layer)) for layer in more)]
    with compressed(archive) as out:
        add(out, "manifest.json", json.dumps(manifest).encode())
        add(out, name, config)
        there = set()
        for digest, (size, content) in zip(digests, layers, strict=True):
            if digest not in there:
                add_from(out, f"{digest}.tar", size, content)
            there.add(digest)


@contextmanager
def compressed(path: Path) -> Iterator[tarfile.TarFile]:
    """A new .tar.gz without a time or a name of its own in it; appears when the block ends well."""
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        part.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=LEVEL, fileobj=file, mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.PAX_FORMAT) as out,
    ):
        yield out
    part.replace(path)


def add(out: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    """Adds a file of that content, of no owner and no time."""
    add_from(out, name, len(content), io.BytesIO(content), mode)


def add_from(out: tarfile.TarFile, name: str, size: int, content: IO[bytes], mode: int = 0o644) -> None:
    """The same from a stream of `size` bytes."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, mode
    out.addfile(member, content)
