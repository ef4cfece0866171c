"""Names of images, and why a node cannot pull or run an image."""

import re

from workbook.cluster.protocol import short_name
from workbook.diagnosis.findings import Evidence
from workbook.diagnosis.fixes import DISK_FIX
from workbook.kube.objects import Object

OTHER_PLATFORM = re.compile(
    "exec format error|no match for platform|no matching manifest for|no image found in (image index|manifest list)"
)
"""How Linux reports a program for another architecture, and how containerd, Docker and CRI-O report such an image."""
PULL_FIXES = {
    "no space left on device": DISK_FIX,
    "429 Too Many Requests|toomanyrequests": "Wait until the registry's limit allows more, or log in to it: set `imagePullSecrets`.",
    "x509: ": "Let the node trust the registry's certificate, or use a registry whose certificate is valid.",
    "401 Unauthorized|403 Forbidden": "Correct `image` in the manifest, or log in to the registry: set `imagePullSecrets`.",
}
"""Regular expression for the runtime's message about an image → the fix."""


def pull_fault(image: str, message: str) -> tuple[str, str] | None:
    """Why a registry or the node refuses an image, from the runtime's message, and the fix; None if it is not known."""
    fixes = (fix for words, fix in PULL_FIXES.items() if re.search(words, message))
    if fix := next(fixes, ""):
        cause = message.rpartition('": ')[2]  # after the names of the image, and of the address
        return f"The image {image} cannot be pulled: {cause.rstrip('.')}.", fix
    return None


def platform_fault(pod: Object, image: str, evidence: Evidence) -> tuple[str, str]:
    """Why an image's program cannot run on a node's architecture, and the fix."""
    node, own = evidence.architectures(pod, image)
    if own and own == node:
        return (
            f"The image {image} is for {node}, like the node, but its program is for another architecture, or is a script "
            "that does not name its interpreter.",
            f"Build the program for {node}, or start the script with a line such as `#!/bin/sh`.",
        )
    fix = f"Build it for the node (`docker build --platform linux/{node or 'ARCHITECTURE'} …`), or use another image."
    if own and node:
        return f"The image {image} is for {own}, but the node is {node}.", fix
    return f"The image {image} has no program for the node's architecture{', ' + node if node else ''}.", fix


def full_tag(image: str) -> str:
    """An image's name as the nodes list it: without the default registry, and with a tag."""
    short = short_name(image)
    return short if ":" in short.rpartition("/")[2] else f"{short}:latest"


def repository(image: str) -> str:
    """An image's name without its tag and its digest."""
    return full_tag(image.partition("@")[0]).rpartition(":")[0]
