"""Images in an engine: is one present, pull it, load it. What was pulled is remembered, so that `make clean` removes only that."""

from pathlib import Path
from typing import TYPE_CHECKING

from workbook.base.paths import home
from workbook.base.steps import step

if TYPE_CHECKING:
    from docker import DockerClient


def present(engine: "DockerClient", image: str) -> bool:
    """Whether `engine` has `image`."""
    # The Docker SDK is loaded with the engine, not with this module.
    from docker.errors import ImageNotFound

    try:
        engine.images.get(image)
        return True
    except ImageNotFound:
        return False


def pull(engine: "DockerClient", image: str, otherwise: str) -> bool:
    """Whether `image` could be pulled. A registry out of reach is no error, because there is another way.

    Args:
        engine: where to pull it to.
        image: its name, with tag or digest.
        otherwise: what happens when it cannot be pulled, for the reader.
    """
    # The Docker SDK is loaded with the engine, not with this module.
    from docker.errors import APIError

    with step(f"Pull {image}") as running:
        try:
            for message in engine.api.pull(image, stream=True, decode=True):
                if "error" in message:
                    raise APIError(message["error"])
                running.update(message.get("status", ""))
        except APIError:
            running.result = f"no registry answers; {otherwise} instead"
            return False
    _note().parent.mkdir(parents=True, exist_ok=True)
    with _note().open("a") as note:
        note.write(f"{image}\n")
    return True


def load(engine: "DockerClient", tag: str, archive: Path) -> str:
    """Load an image from a bundle's archive into `engine`, unless the engine has it; return its tag."""
    if not present(engine, tag):
        size = archive.stat().st_size / 1e6
        with step(f"Load {tag} from the bundle ({size:.0f} MB)"), archive.open("rb") as content:
            engine.images.load(content)
    return tag


def pulled() -> set[str]:
    """The images that `pull` has brought."""
    return set(_note().read_text().split()) if _note().exists() else set()


def _note() -> Path:
    """The file that lists the pulled images."""
    return home() / "pulled"
