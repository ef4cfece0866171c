"""Images in an engine: is one present, pull it, load it. What was pulled is noted, so that `make clean` removes only that."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbook.base.errors import WorkbookError
from workbook.base.steps import step
from workbook.engine.homes import PULLED, note

if TYPE_CHECKING:
    from docker import DockerClient

LONGEST = 200  # characters of a registry's answer that are shown
ELSEWHERE = "use a mirror (https://docs.docker.com/docker-hub/mirror/), or take a bundle."
REFUSALS = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, fix)
    for pattern, reason, fix in (
        (
            r"toomanyrequests|too many requests|\b429\b|rate limit",
            "the registry limits pulls",
            f"Run `docker login`, which raises the limit; or wait some hours, {ELSEWHERE}",
        ),
        (
            "x509|certificate",
            "the registry's certificate is not valid here",
            "Set the clock, and let Docker trust the certificate of the proxy or mirror: https://docs.docker.com/engine/security/certificates/.",
        ),
        (
            r"unauthorized|\b401\b|authentication required|basic auth credentials",
            "the registry wants another login",
            "Run `docker login` again; or `docker logout`, since these images need none.",
        ),
        (
            r"(?<!permission )denied|forbidden|\b403\b",
            "the registry, or a proxy before it, refuses this",
            f"Run `docker login`, {ELSEWHERE}",
        ),
        (
            r"not found|manifest unknown|no matching manifest|\b404\b",
            "the registry does not have it",
            "Correct the mirror in Docker's settings, if it has one.",
        ),
    )
)
"""What registries answer instead of an image, what that means, and what helps."""
SILENCE = re.compile(
    "no such host|server misbehaving|request canceled|deadline exceeded|timeout|timed out|connection refused"
    "|connection reset|unreachable|no route to host|EOF$"
)
"""What the engine reports when a registry does not answer."""


def present(engine: "DockerClient", image: str) -> bool:
    """Whether `engine` has `image`."""
    # The Docker SDK is loaded with the engine, not with this module.
    from docker.errors import ImageNotFound

    try:
        engine.images.get(image)
        return True
    except ImageNotFound:
        return False


def pull(engine: "DockerClient", image: str, otherwise: str, make: Callable[[], str]) -> str:
    """Pull `image`, or make another one in its place; return the tag of the one that `engine` has.

    Args:
        engine: where to pull it to.
        image: its name, with tag or digest.
        otherwise: what `make` does, for the reader.
        make: called when it cannot be pulled; returns the tag of what it has made.

    Raises:
        WorkbookError: it cannot be pulled, and `make` failed; says why for both.
    """
    # The Docker SDK is loaded with the engine, not with this module.
    from docker.errors import APIError
    from urllib3.exceptions import HTTPError  # comes with it

    with step(f"Pull {image}") as running:
        try:
            for message in engine.api.pull(image, stream=True, decode=True):
                if "error" in message:
                    raise APIError(message["error"])
                running.update(message.get("status", ""))
            note(engine, PULLED, image)
            return image
        except (APIError, HTTPError, OSError) as error:
            reason, fix = explain(error)
            running.result = f"{reason}; {otherwise} instead" + (f". {fix}" if fix else "")
    try:
        return make()
    except WorkbookError as error:
        why = "\n".join(filter(None, [error.why, f"{image} was not pulled: {reason}."]))
        raise WorkbookError(error.what, why, f"{fix} {error.fix}".strip()) from error


def explain(problem: Exception) -> tuple[str, str]:
    """Why a registry gives no image, in its own words where it answered; and what helps, empty when it does not answer.

    Args:
        problem: what the engine reports.
    """
    text = getattr(problem, "explanation", None) or str(problem)
    words = re.sub("//[^/@]+@", "//***@", text.strip().partition("\n")[0])[:LONGEST]  # an address may have a password
    for pattern, reason, fix in REFUSALS:
        if pattern.search(text):
            return f"{reason} ({words})", fix
    if SILENCE.search(text):
        return "no registry answers", ""
    return f"it failed ({words})", "Run this again later."


def load(engine: "DockerClient", tag: str, archive: Path) -> str:
    """Load an image from a bundle's archive into `engine`, unless the engine has it; return its tag."""
    if not present(engine, tag):
        size = archive.stat().st_size / 1e6
        with step(f"Load {tag} from the bundle ({size:.0f} MB)"), archive.open("rb") as content:
            engine.images.load(content)
    return tag
