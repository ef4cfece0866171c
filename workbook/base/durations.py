"""How long steps take: as long as in this machine's last set-up, or else as long as on a machine with two cores."""

import json
from collections.abc import Mapping
from pathlib import Path

from workbook.base.paths import home

MEASURED = {
    "Install kind": 6,
    "Compile kubernetes": 405,
    "Compile etcd": 36,
    "Compile coredns": 32,
    "Make the file system for": 30,
    "Make the control plane's images": 3,
    "Assemble the node image": 11,
    "Create the cluster": 14,
}
"""How titles of steps begin → seconds on a machine with two cores, from nothing. How long a download takes is not known."""


def expected(title: str) -> float | None:
    """Return how many seconds the step with this title will probably take; None if that is not known, or only a moment."""
    measured = (seconds for beginning, seconds in MEASURED.items() if title.startswith(beginning))
    seconds = _remembered().get(title, next(measured, 0))
    return seconds if seconds >= 1 else None


def remember(durations: Mapping[str, float]) -> None:
    """Store the seconds that steps have taken, by their titles. Those of other steps stay as they are."""
    _file().write_text(json.dumps({**_remembered(), **durations}, indent=1), encoding="utf-8")


def shown(seconds: float, expected: float | None) -> str:
    """Return the seconds that have passed, and those that are expected: `83 s of about 400 s`."""
    return f"{seconds:.0f} s" + (f" of about {expected:.0f} s" if expected else "")


def _file() -> Path:
    return home() / "durations.json"


def _remembered() -> dict[str, float]:
    """The stored durations. A file that was damaged, for example on a full disk, counts as empty."""
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
