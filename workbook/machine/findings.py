"""What a check of this machine finds, and what one check passes on to the next. Only the standard library is used here."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbook.base.commands import for_this_system

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass
class Finding:
    """The result of a check: what the workbook needs, and what this machine has."""

    ok: bool | None  # None for a note, which prevents nothing
    needed: str
    found: str
    fix: str = ""  # what the user should do; dropped when `ok` is True
    check: str = ""  # the check's name, which `findings` adds

    def __post_init__(self) -> None:
        self.fix = "" if self.ok else for_this_system(self.fix)

    @property
    def sign(self) -> str:
        """✓, ✗, or · for a note."""
        return {True: "✓", False: "✗", None: "·"}[self.ok]


@dataclass
class Facts:
    """What the checks so far have found out about this machine."""

    changes: bool = False  # whether a check may install and start what it looks for
    engine: "DockerClient | None" = None  # the connection to the Docker engine, if one is running
    info: dict[str, Any] = field(default_factory=dict)  # what `docker info` reports; empty without an engine
    running: bool = False  # whether the cluster is running, with a valid kubeconfig
    missing: list[str] = field(default_factory=list)  # what would still have to be downloaded
    versions: dict[str, str] = field(default_factory=dict)  # by the name of the program
