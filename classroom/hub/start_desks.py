"""Start all desks before the class, as the first visit of each link would. `workbook class` runs this in the hub's Pod.

It prints the name of each learner whose desk did not start.

Documentation: https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import requests

AT_ONCE = 20
"""How many desks start at the same time."""
PATIENCE = 300
"""Seconds after which the class opens without the desks that have not started."""
PAUSE = 1
"""Seconds between two questions about a desk."""
ANSWER = 30
"""Seconds to wait for an answer of the hub. A learner whose desk was not started starts it with the link."""


def main(hub: str, links: Path, patience: float = PATIENCE) -> None:
    """Start the desks that do not run, and wait for them.

    Args:
        hub: the hub's address, which ends with `/hub`.
        links: the folder with a file for each learner, which contains the token of the learner's link.
        patience: seconds to wait for all of them.
    """
    end = time.monotonic() + patience
    learners = {file.name: file.read_text() for file in sorted(links.glob("[a-z]*"))}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = pool.map(lambda token: start(hub, token, end), learners.values())
        print(*(name for name, runs in zip(learners, running, strict=True) if not runs), sep="\n")


def start(hub: str, token: str, end: float) -> bool:
    """Start a learner's desk; return whether it runs at that time. Without an answer of the hub, the others go on."""
    with suppress(requests.RequestException):
        return _start(hub, token, end)
    return False


def _start(hub: str, token: str, end: float) -> bool:
    get = partial(requests.Session().get, allow_redirects=False, timeout=ANSWER)
    get(f"{hub}/link", params={"token": token})
    asked = False
    while True:
        desk = get(f"{hub}/api/user").json().get("servers", {}).get("", {})
        if desk.get("ready"):
            return True
        if time.monotonic() > end:
            return False
        if not desk.get("pending"):
            if asked:
                return False
            get(f"{hub}/spawn")
            asked = True
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
