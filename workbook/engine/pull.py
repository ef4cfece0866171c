"""Find, pull and load images in an engine. Pulled images are noted, so that `make clean` removes only these."""

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
ELSEWHERE = "use a mirror (https://docs.docker.com/docker-hub/mirror/) or a bundle."
REFUSALS = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, fix)
    for pattern, reason, fix in (
        (
            r"toomanyrequests|too many requests|\b429\b|rate limit",
            "the registry limits pulls",
            f"Run `docker login`, which raises the limit; wait some hours; or {ELSEWHERE}",
        ),
        (
            "x509|certificate",
            "Docker does not trust the registry's certificate",
            "Check the clock, and make Docker trust the certificate of the proxy or mirror: https://docs.docker.com/engine/security/certificates/.",
        ),
        (
            r"unauthorized|\b401\b|authentication required|basic auth credentials",
            "the registry does not accept the login",
            "Run `docker login` again, or `docker logout`, since these images need no login.",
        ),
        (
            r"(?<!permission )denied|forbidden|\b403\b",
            "the registry, or a proxy in front of it, denies access",
            f"Run `docker login`, or {ELSEWHERE}",
        ),
        (
            r"not found|manifest unknown|no matching manifest|\b404\b",
            "the registry does not have it",
            "If Docker's settings have a mirror, correct it.",
        ),
    )
)
"""Answers of registries that give no image, their meaning, and the fix."""
SILENCE = re.compile(
    "no such host|server misbehaving|request canceled|deadline exceeded|timeout|timed out|connection refused"
    "|connection reset|unreachable|no route to host|EOF$"
)
"""The engine's reports that a registry does not answer."""


def present(engine: "DockerClient", image: str) -> bool:
    """Whether `engine` has `image`."""
    # Imported here, because the Docker SDK loads slowly.
    from docker.errors import ImageNotFound

    try:
        engine.images.get(image)
        return True
    except ImageNotFound:
        return False


def pull(engine: "DockerClient", image: str, otherwise: str, make: Callable[[], str]) -> str:
    """Pull `image`, or make a substitute if that fails; return the tag of the image that `engine` then has.

    Args:
        engine: the engine that pulls it.
        image: its name, with tag or digest.
        otherwise: what `make` does, for the reader.
        make: called when the image cannot be pulled; returns the tag of the substitute.

    Raises:
        WorkbookError: the pull and `make` failed; with the reasons for both.
    """
    # Imported here, because the Docker SDK loads slowly.
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
        why = "\n".join(filter(None, [error.why, f"Pulling {image} failed: {reason}."]))
        raise WorkbookError(error.what, why, f"{fix} {error.fix}".strip()) from error


def explain(problem: Exception) -> tuple[str, str]:
    """Return why a registry gives no image, with its own words if it answered; and the fix, empty if it did not answer.

    Args:
        problem: the engine's report.
    """
    text = getattr(problem, "explanation", None) or str(problem)
    words = re.sub("//[^/@]+@", "//***@", text.strip().partition("\n")[0])[
        :LONGEST
    ]  # an address may contain a password
    for pattern, reason, fix in REFUSALS:
        if pattern.search(text):
            return f"{reason} ({words})", fix
    if SILENCE.search(text):
        return "no registry answers", ""
    return f"unexpected error ({words})", "Run this again later."


def load(engine: "DockerClient", tag: str, archive: Path) -> str:
    """Load an image from a bundle's archive into `engine`, unless the engine has it; return its tag."""
    if not present(engine, tag):
        size = archive.stat().st_size / 1e6
        with step(f"Load {tag} from the bundle ({size:.0f} MB)"), archive.open("rb") as content:
            engine.images.load(content)
    return tag
