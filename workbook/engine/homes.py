"""Notes in a Docker engine about what several copies of the workbook share there, because the copies do not know each other.

A note is a label on an empty volume. It names a home (the folder in `WORKBOOK_HOME`) that uses the engine's images, or an
image that the workbook has pulled.
"""

import hashlib
import platform
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbook.base import labels
from workbook.base.paths import home

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.volumes import Volume

HOME, PULLED = "kubernetes-workbook.home", "kubernetes-workbook.pulled"
"""The labels of the two types of notes."""


def note(engine: "DockerClient", label: str, value: str) -> None:
    """Leave a note in `engine`, unless it already has this note."""
    # Imported here, because the Docker SDK loads slowly.
    from docker.errors import APIError

    name = f"workbook-{hashlib.sha256(f'{label}={value}'.encode()).hexdigest()[:12]}"
    with suppress(APIError):  # an engine that allows no volumes works without notes
        engine.volumes.create(name, labels=labels.MANAGED | {label: value})


def notes(engine: "DockerClient", label: str) -> dict[str, "Volume"]:
    """Return the notes of a type in `engine`: the volume of each value."""
    volumes = engine.volumes.list(filters={"label": label})
    return {each[label]: volume for volume in volumes if label in (each := volume.attrs.get("Labels") or {})}


def note_home(engine: "DockerClient") -> None:
    """Note that this home uses the images in `engine`."""
    note(engine, HOME, _own())


def leave(engine: "DockerClient") -> list[str]:
    """Remove the notes of this home, and of deleted homes on this machine; return the other homes."""
    others = []
    for value, volume in notes(engine, HOME).items():
        machine, _, folder = value.partition(":")
        if value == _own() or (machine == platform.node() and not _exists(Path(folder))):
            volume.remove()
        else:
            others.append(folder if machine == platform.node() else f"{folder} on {machine}")
    return sorted(others)


def _own() -> str:
    return f"{platform.node()}:{home()}"


def _exists(folder: Path) -> bool:
    try:
        return folder.exists()
    except PermissionError:  # another user's
        return True
