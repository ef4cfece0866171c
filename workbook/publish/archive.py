"""Image archives whose bytes depend only on the image. Those of `docker save` also depend on the order and times of files.

The format is the one in node/archive.py, which old and new engines load.
"""

import gzip
import hashlib
import io
import json
import re
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from docker import DockerClient

from workbook.base.errors import WorkbookError

WHITEOUT = ".wh."


class SavedImage:
    """An image in the output of `docker save`: `config` describes it; its layers are in order, bottom first."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        manifest = json.loads(self._open("manifest.json").read())[0]
        self.config: bytes = self._open(manifest["Config"]).read()
        self._layers: list[str] = manifest["Layers"]

    def layers(self) -> Iterator[IO[bytes]]:
        """Open each layer in turn."""
        return map(self._open, self._layers)

    def texts(self, names: re.Pattern[str]) -> dict[str, str]:
        """Return the contents of the image's files whose whole path matches, by path.

        A file `.wh.NAME` in a layer deletes NAME in the layers below:
        https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
        """
        found: dict[str, str] = {}
        for layer in self.layers():
            added = {}
            with tarfile.open(fileobj=layer) as files:
                for member in files:
                    path = member.name.removeprefix("./")
                    folder, _, name = path.rpartition("/")
                    if name.startswith(WHITEOUT):
                        gone = f"{folder}/{name.removeprefix(WHITEOUT)}"
                        found = {each: text for each, text in found.items() if not f"{each}/".startswith(f"{gone}/")}
                    elif member.isfile() and names.fullmatch(path) and (file := files.extractfile(member)):
                        added[path] = file.read().decode(errors="replace")
            found |= added
        return found

    def _open(self, name: str) -> IO[bytes]:
        content = self._archive.extractfile(name)  # follows links: docker writes a layer once, and links to it
        if content is None:
            raise WorkbookError(
                "The image cannot be packed.",
                f"{name} in the archive from `docker save` is not a file.",
                "Remove the image with `docker image rm`, then run this again.",
            )
        return content


@contextmanager
def saved(engine: DockerClient, image: str) -> Iterator[SavedImage]:
    """Save an image with `docker save`, for the duration of the block."""
    with tempfile.TemporaryFile() as file:
        for chunk in engine.images.get(image).save():
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            yield SavedImage(archive)


def with_layer(config: bytes, layer: bytes, comment: str) -> bytes:
    """Return an image's description with a layer on top, an uncompressed tar file; `docker history` shows `comment`."""
    description: dict[str, Any] = json.loads(config)
    description["rootfs"]["diff_ids"].append(f"sha256:{hashlib.sha256(layer).hexdigest()}")
    if "history" in description:
        description["history"].append({"created_by": comment, "created": description.get("created")})
    return json.dumps(description, sort_keys=True).encode()


def layer(files: Mapping[str, bytes]) -> bytes:
    """Return a layer with these files, an uncompressed tar file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as out:
        for name, data in sorted(files.items()):
            add(out, name, data)
    return content.getvalue()


def identity(config: bytes) -> str:
    """Return the hash of an image's description, by which engines know the image."""
    return hashlib.sha256(config).hexdigest()


def write(archive: Path, tag: str, image: SavedImage, config: bytes, *layers: bytes) -> None:
    """Write an archive for `docker load`: `image` with further layers on top. `config` describes it with all layers."""
    digests = [digest.removeprefix("sha256:") for digest in json.loads(config)["rootfs"]["diff_ids"]]
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [tag], "Layers": [f"{digest}.tar" for digest in digests]}]
    contents = dict(zip(digests, [*image.layers(), *layers], strict=True))  # equal layers once
    with compressed(archive) as out:
        add(out, "manifest.json", json.dumps(manifest).encode())
        add(out, name, config)
        for digest, content in contents.items():
            add(out, f"{digest}.tar", content)


@contextmanager
def compressed(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a new .tar.gz without time and name in its header; the file appears when the block ends without an error."""
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        part.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as out,
    ):
        yield out
    part.replace(path)


def add(out: tarfile.TarFile, name: str, content: bytes | IO[bytes], mode: int = 0o644) -> None:
    """Add a file without owner and time."""
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = stream.seek(0, io.SEEK_END), mode
    stream.seek(0)
    out.addfile(entry, stream)
