"""Pull images from a registry, and remember which, so that `make clean` removes those and no others."""

from pathlib import Path

from docker import DockerClient
from docker.errors import APIError, ImageNotFound

from workbook.base.paths import home
from workbook.base.steps import step


def present(engine: DockerClient, image: str) -> bool:
    """Whether `engine` has `image`."""
    try:
        engine.images.get(image)
        return True
    except ImageNotFound:
        return False


def pull(engine: DockerClient, image: str, instead: str) -> bool:
    """Whether `image` could be pulled. A registry out of reach is no error, because there is another way.

    Args:
        engine: where to pull it to.
        image: its name, with tag or digest.
        instead: what is done when it cannot be pulled, for the reader.
    """
    with step(f"Pull {image}") as running:
        try:
            for message in engine.api.pull(image, stream=True, decode=True):
                if "error" in message:
                    raise APIError(message["error"])
                running.update(message.get("status", ""))
        except APIError:
            running.result = f"no registry answers; {instead} instead"
            return False
    _note().parent.mkdir(parents=True, exist_ok=True)
    with _note().open("a") as note:
        note.write(f"{image}\n")
    return True


def pulled() -> set[str]:
    """The images that `pull` has brought."""
    return set(_note().read_text().split()) if _note().exists() else set()


def _note() -> Path:
    """The file that lists the pulled images."""
    return home() / "pulled"
