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
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write_image(
    archive: Path,
    tag: str,
    layers: Sequence[Path],
    *,
    env: Sequence[str] = (),
    entrypoint: Sequence[str] = (),
    stop_signal: str = "",
) -> None:
    """Write an image to `archive`.

    Args:
        archive: the file to write.
        tag: the image's name and tag.
        layers: uncompressed tar files, bottom layer first.
        env: environment variables as `NAME=value`, in addition to PATH.
        entrypoint: the program that a container runs, and its arguments; empty for a base image.
        stop_signal: the signal that stops a container; empty for Docker's default.
    """
    digests = []
    for layer in layers:
        with layer.open("rb") as content:
            digests.append(hashlib.file_digest(content, "sha256").hexdigest())
    description = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Env": [PATH, *env], "Entrypoint": list(entrypoint) or None, "StopSignal": stop_signal},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": [f"{digest}.tar" for digest in digests]}]
    with tarfile.open(archive, "w") as out:
        _add(out, "config.json", json.dumps(description).encode())
        _add(out, "manifest.json", json.dumps(manifest).encode())
        for digest, layer in zip(digests, layers, strict=True):
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


def _add(out: tarfile.TarFile, name: str, source: Path | bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as content:
        entry.size = content.seek(0, os.SEEK_END)
        content.seek(0)
        out.addfile(entry, content)
