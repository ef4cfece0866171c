"""Write container images without an engine, as the archives that `docker load` and `ctr images import` read.

The format: https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format
"""

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write_image(
    archive: Path,
    tag: str,
    layers: list[Path],
    *,
    env: list[str] | None = None,
    entrypoint: list[str] | None = None,
    stop_signal: str = "",
) -> None:
    """Writes an image of uncompressed tar `layers`, bottom first, to `archive`."""
    config = {"Env": [PATH, *(env or [])]}
    if entrypoint:
        config["Entrypoint"] = entrypoint
    if stop_signal:
        config["StopSignal"] = stop_signal
    digests = [_sha256(layer) for layer in layers]
    description = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": [f"{digest}.tar" for digest in digests]}]
    with tarfile.open(archive, "w") as out:
        for name, content in (("config.json", description), ("manifest.json", manifest)):
            _add(out, name, json.dumps(content).encode(), 0o644)
        for digest, layer in zip(digests, layers, strict=True):
            entry = tarfile.TarInfo(f"{digest}.tar")
            entry.size = layer.stat().st_size
            with layer.open("rb") as content:
                out.addfile(entry, content)


def write_layer(layer: Path, files: dict[str, Path | bytes | str]) -> None:
    """Writes a layer with `files`: path in the image → a file to copy, its content, or `-> target` for a link.

    What lies in a bin or sbin folder can be executed, and what could be where it was copied from: a Go module keeps
    no such rights.
    """
    with tarfile.open(layer, "w") as out:
        for name, source in sorted(files.items()):
            if isinstance(source, bytes):
                _add(out, name, source, 0o644)
            elif isinstance(source, str):
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, source.removeprefix("-> ")
                out.addfile(link)
            else:
                entry = tarfile.TarInfo(name)
                program = Path(name).parent.name in ("bin", "sbin") or source.stat().st_mode & 0o100
                entry.size, entry.mode = source.stat().st_size, 0o755 if program else 0o644
                with source.open("rb") as content:
                    out.addfile(entry, content)


def _add(out: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    out.addfile(entry, io.BytesIO(content))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
