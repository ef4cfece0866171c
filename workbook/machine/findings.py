"""What a look at the machine has found, and what several looks rest on. Only the standard library is used here."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One line about the machine.

    `good` is True or False, or None for a note: worth knowing, and no obstacle. `fix` says what to do about it.
    """

    check: str
    good: bool | None
    needed: str
    found: str
    fix: str = ""

    @property
    def sign(self) -> str:
        """✓, ✗, or · for a note."""
        return {True: "✓", False: "✗", None: "·"}[self.good]


@dataclass
class Facts:
    """What one check has found out and others rest on."""

    changes: bool = False
    """Whether a check may install and start what it looks for."""
    engine: Any = None
    """The connection to the Docker engine, None without one."""
    info: dict[str, Any] = field(default_factory=dict)
    """What `docker info` says, empty without an engine."""
    state: str = ""
    """The cluster's state, empty while it is unknown."""
    missing: list[str] = field(default_factory=list)
    """What is not at hand yet, and would have to come over the network."""
    versions: dict[str, str] = field(default_factory=dict)
    """Whose version was found, and which it is."""
