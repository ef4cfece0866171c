"""A network plugin for clusters whose node image was built here: it enforces NetworkPolicies. See README.md.

The plugin is kube-network-policies, with the same files for iptables as kube-proxy has. It's an image of its own, which is loaded
onto the node when a class needs it, so the node image doesn't depend on it.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from node.archive import Image, write_images, write_layer, write_part
from node.cache import digest, folder
from node.filesystem import filesystem, filesystem_key
from node.image import IPTABLES
from node.toolchain import compiled, compiled_key
from workbook.base.steps import step

if TYPE_CHECKING:
    from docker import DockerClient

SHELL = ("usr/bin/sh", "usr/bin/dash")
"""The files of the node's Debian for a shell, which calls iptables several times."""


def network_tag() -> str:
    """The tag that `network_image` gives the image of the network plugin."""
    return f"workbook-network:{digest(compiled_key('network'), filesystem_key('node'), *IPTABLES, *SHELL)}"


def network_image(engine: "DockerClient") -> str:
    """Build the image of the network plugin from source if `engine` does not have it. That takes about two minutes.

    Args:
        engine: the engine that gets the image.

    Returns:
        The image's tag in `engine`.

    Raises:
        WorkbookError: the plugin cannot be compiled; see also `filesystem`.

    Documentation: https://github.com/kubernetes-sigs/kube-network-policies
    """
    tag = network_tag()
    if engine.images.list(tag):
        return tag
    program, system = compiled("network") / "network", filesystem("node")
    with step("Make the network plugin's image"), tempfile.TemporaryDirectory(dir=folder()) as scratch:
        tools, own, archive = (Path(scratch, name) for name in ("tools.tar", "own.tar", "image.tar"))
        write_part(tools, system, [*IPTABLES, *SHELL])
        write_layer(own, {"usr/local/bin/network": program})
        write_images(archive, Image(tag, [tools, own], entrypoint=["/usr/local/bin/network"]))
        with archive.open("rb") as content:
            engine.images.load(content)
    return tag
