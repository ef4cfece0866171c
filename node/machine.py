"""The properties of this machine that matter for running a cluster in containers."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

CAP_SYS_RESOURCE = 24


@dataclass(frozen=True)
class Machine:
    """Facts about this machine."""

    linux: bool
    """Containers run on this machine's own kernel, not in a desktop's virtual machine."""
    sys_resource: bool
    """Root may raise resource limits and lower OOM scores, which a privileged container requires."""
    cgroups: int
    """The version of control groups, 1 or 2."""
    systemd: bool
    """The first process is systemd, so systemd starts and stops services."""

    @property
    def locked_down(self) -> bool:
        """Whether privileged containers need the runc wrapper in this folder."""
        return self.linux and not self.sys_resource


def detect(root: Path = Path("/")) -> Machine:
    """Read the facts from /proc, /sys and /run below `root`."""
    if sys.platform != "linux":
        return Machine(linux=False, sys_resource=True, cgroups=2, systemd=False)
    return Machine(
        linux=True,
        # The capabilities of an ordinary user do not show what the engine can do, because the engine runs as root.
        sys_resource=os.geteuid() != 0 or bool(_bounding_set(root) >> CAP_SYS_RESOURCE & 1),
        cgroups=2 if (root / "sys/fs/cgroup/cgroup.controllers").exists() else 1,
        systemd=(root / "run/systemd/system").is_dir(),
    )


def _bounding_set(root: Path) -> int:
    """The capabilities that this process can get, as bits: https://man7.org/linux/man-pages/man7/capabilities.7.html"""
    for line in (root / "proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("CapBnd:"):
            return int(line.split()[1], 16)
    return ~0
