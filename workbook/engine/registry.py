"""Ask an image registry whether it has an image."""

import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from workbook.engine.find import is_podman

if TYPE_CHECKING:
    from docker import DockerClient

TYPES = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
"""The types of manifests that describe an image."""
PATIENCE = 20
"""Seconds to wait for an answer."""


def has(engine: "DockerClient", image: str) -> bool:
    """Whether the registry in an image's name has the image.

    The engine asks, because the engine can log in. Podman doesn't offer that, so this process asks, without a login.

    Args:
        engine: the engine.
        image: its name, with the registry and the tag.

    Raises:
        APIError: the registry does not answer, or not like a registry.

    Documentation: https://docs.docker.com/reference/api/registry/latest/
    """
    # Imported here, because the Docker SDK loads slowly.
    from docker.errors import APIError

    try:
        engine.api.inspect_distribution(image)
        return True
    except APIError as error:
        if error.status_code == 404 or "unknown" in str(error):
            return is_podman(engine) and _answers(image)
        raise


def _answers(image: str) -> bool:
    # Imported here, because the Docker SDK loads slowly.
    from docker.errors import APIError

    registry, _, rest = image.partition("/")
    name, _, tag = rest.rpartition(":")
    scheme = "http" if registry.startswith("localhost:") else "https"
    url = f"{scheme}://{registry}/v2/{name}/manifests/{tag}"
    try:
        request = urllib.request.Request(url, method="HEAD", headers={"Accept": TYPES})
        with urllib.request.urlopen(request, timeout=PATIENCE):
            return True
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return False
        raise APIError(f"{url}: {error}") from error
    except OSError as error:
        raise APIError(f"{url}: {error}") from error
