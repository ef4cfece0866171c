"""Write container images without an engine, as archives that `docker load` and `ctr images import` read.

The format: https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format
"""

import hashlib
import io
import json
import os
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from workbook.base.errors import WorkbookError

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Image:
    """A container image to write.

    Args:
        tag: its name and tag.
        layers: uncompressed tar files, bottom layer first.
        env: environment variables as `NAME=value`, in addition to PATH.
        entrypoint: the program that a container runs, and its arguments; empty for a base image.
        stop_signal: the signal that stops a container; empty for Docker's default.
    """

    tag: str
    layers: Sequence[Path]
    env: Sequence[str] = ()
    entrypoint: Sequence[str] = ()
    stop_signal: str = ""


def write_images(archive: Path, *images: Image) -> None:
    """Write images to one archive, which has each layer once, also if several images use it."""
    digests: dict[Path, str] = {}
    for layer in dict.fromkeys(layer for image in images for layer in image.layers):
        with layer.open("rb") as content:
            digests[layer] = hashlib.file_digest(content, "sha256").hexdigest()
    manifest = []
    with tarfile.open(archive, "w") as out:
        for image in images:
            layers = [digests[layer] for layer in image.layers]
            description = {
                "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
                "os": "linux",
                "config": {
                    "Env": [PATH, *image.env],
                    "Entrypoint": list(image.entrypoint) or None,
                    "StopSignal": image.stop_signal,
                },
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in layers]},
            }
            config = json.dumps(description).encode()
            name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add(out, name, config)
            files = [f"{digest}.tar" for digest in layers]
            manifest.append({"Config": name, "RepoTags": [image.tag], "Layers": files})
        _add(out, "manifest.json", json.dumps(manifest).encode())
        for digest, layer in {digest: layer for layer, digest in digests.items()}.items():
            _add(out, f"{digest}.tar", layer)


def write_layer(layer: Path, files: Mapping[str, Path | bytes | str]) -> None:
    """Write a layer of an image.

    Files in a bin or sbin folder become executable, and so do copies of executable files. The folder's name decides
    because files in Go's module cache have no execute permission.

    Args:
        layer: the tar file to write.
        files: for each path in the image a file to copy, its content as bytes, or `-> target` for a symbolic link.
    """
    with tarfile.open(layer, "w") as out:
        for name, source in sorted(files.items()):
            if isinstance(source, str):
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, source.removeprefix("-> ")
                out.addfile(link)
            elif isinstance(source, Path):
                executable = Path(name).parent.name in ("bin", "sbin") or source.stat().st_mode & 0o100
                _add(out, name, source, 0o755 if executable else 0o644)
            else:
                _add(out, name, source)


def write_part(layer: Path, source: Path, patterns: Sequence[str]) -> None:
    """Write a layer with some files of another one.

    Args:
        layer: the tar file to write.
        source: the tar file with all files.
        patterns: paths of the files to keep. A `*` also stands for slashes.

    Raises:
        WorkbookError: a pattern matches no file.
    """
    unused = set(patterns)
    with tarfile.open(source) as files, tarfile.open(layer, "w") as out:
        for entry in files:
            name = entry.name.removeprefix("./")
            if not entry.isdir() and (found := {pattern for pattern in patterns if fnmatchcase(name, pattern)}):
                unused -= found
                out.addfile(entry, files.extractfile(entry) if entry.isreg() else None)
    if unused:
        raise WorkbookError(f"The file system {source} has no {' and no '.join(sorted(unused))}.")


def _add(out: tarfile.TarFile, name: str, source: Path | bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as content:
        entry.size = content.seek(0, os.SEEK_END)
        content.seek(0)
        out.addfile(entry, content)
