"""What kind of machine this is, as far as running a cluster in containers depends on it."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

CAP_SYS_RESOURCE = 24


@dataclass(frozen=True)
class Machine:
    """Facts about this machine.

    `linux`: containers run on this very kernel, not in a desktop's virtual machine.
    `sys_resource`: root may raise limits and lower oom scores here, as a privileged container expects.
    `cgroups`: 1 or 2, the version of control groups.
    `systemd`: systemd is the first process, so services are its business.
    """

    linux: bool
    sys_resource: bool
    cgroups: int
    systemd: bool

    @property
    def locked_down(self) -> bool:
        """Whether containers with all privileges need the runc wrapper beside this file."""
        return self.linux and not self.sys_resource


def detect(root: Path = Path("/")) -> Machine:
    """Reads the facts from /proc, /sys and /run below `root`."""
    if platform.system() != "Linux":
        return Machine(linux=False, sys_resource=True, cgroups=2, systemd=False)
    return Machine(
        linux=True,
        # An ordinary user's own capabilities say nothing about what the engine, which is root, can do.
        sys_resource=os.geteuid() != 0 or bounding(root) >> CAP_SYS_RESOURCE & 1 == 1,
        cgroups=2 if (root / "sys/fs/cgroup/cgroup.controllers").exists() else 1,
        systemd=(root / "run/systemd/system").is_dir(),
    )


def bounding(root: Path) -> int:
    """The capabilities this process can ever get, as bits: https://man7.org/linux/man-pages/man7/capabilities.7.html"""
    for line in (root / "proc/self/status").read_text().splitlines():
        if line.startswith("CapBnd:"):
            return int(line.split()[1], 16)
    return ~0
