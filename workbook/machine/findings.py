"""The results of checks of this machine, and the facts that checks share. This module uses only the standard library."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbook.base.commands import for_this_system

if TYPE_CHECKING:
    from docker import DockerClient

    from workbook.machine.journal import Journal


@dataclass
class Finding:
    """The result of a check: what the workbook needs, and what this machine has."""

    ok: bool | None  # None for a note, which is not a failure
    needed: str
    found: str
    fix: str = ""  # what the user should do; removed if `ok` is True
    check: str = ""  # the check's name, which `findings` adds

    def __post_init__(self) -> None:
        self.fix = "" if self.ok else for_this_system(self.fix)

    @property
    def sign(self) -> str:
        """✓, ✗, or · for a note."""
        return {True: "✓", False: "✗", None: "·"}[self.ok]


@dataclass
class Facts:
    """Facts about this machine from the checks so far."""

    changes: bool = False  # whether a check may install and start what is missing
    engine: "DockerClient | None" = None  # the connection to the Docker engine, if one is running
    info: dict[str, Any] = field(default_factory=dict)  # what `docker info` reports; empty without an engine
    journal: "Journal | None" = None  # what the journal of the set-up says; None if there was no set-up
    setting_up: bool = False  # whether the set-up is running, so that checks may not change anything
    running: bool = False  # whether the cluster is running, with a valid kubeconfig
    missing: list[str] = field(default_factory=list)  # what would still have to be downloaded
    versions: dict[str, str] = field(default_factory=dict)  # by the name of the program
