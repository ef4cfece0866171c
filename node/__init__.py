"""Build a kind node image and base images from source, for machines that cannot pull images. See README.md."""

from node import machine
from node.cache import VERSIONS
from node.config import NODE_PORT, kind_config
from node.image import base_image, base_tag, node_image, node_tag
from node.toolchain import installed_kind, kind, kubectl

OFFICIAL: str = VERSIONS["official"]
"""The node image that was released with the pinned kind."""

__all__ = [
    "NODE_PORT",
    "OFFICIAL",
    "base_image",
    "base_tag",
    "installed_kind",
    "kind",
    "kind_config",
    "kubectl",
    "machine",
    "node_image",
    "node_tag",
]
