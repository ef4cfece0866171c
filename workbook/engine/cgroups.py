"""Control groups of version 1 on a Linux without systemd, which would have mounted them at boot."""

from pathlib import Path

import psutil

from workbook.base.log import LOG
from workbook.base.processes import CommandFailed, run

TOGETHER = {"cpuacct": "cpu", "net_prio": "net_cls"}
"""The controllers that systemd mounts together with another one."""


def mount(root: Path = Path("/")) -> None:
    """Mount the controllers that are not mounted yet, so that the engine gives each container its own group in them.

    Otherwise a node's systemd mounts them, and all nodes share the groups there. Then each kubelet finds the groups of other
    nodes' Pods, doesn't know these Pods, and tries to remove the groups, every two seconds. Now and then a container can't
    start because its group has just been removed.

    A failure only appears in the debug log, since one node alone does not need this.

    Args:
        root: the folder with proc and sys.

    Documentation: https://docs.kernel.org/admin-guide/cgroup-v1/cgroups.html
    """
    mounts = [partition.opts for partition in psutil.disk_partitions(all=True) if partition.fstype == "cgroup"]
    mounted = {option for options in mounts for option in options.split(",")}
    hierarchies: dict[str, list[str]] = {}
    for line in (root / "proc/cgroups").read_text(encoding="utf-8").splitlines():
        name, hierarchy, _, enabled = line.split()
        if enabled == "1" and name not in mounted:
            # Controllers of one hierarchy can only be mounted together. The number 0 means that there is none yet.
            key = TOGETHER.get(name, name) if hierarchy == "0" else hierarchy
            hierarchies.setdefault(key, []).append(name)
    for controllers in map(",".join, hierarchies.values()):
        folder = root / "sys/fs/cgroup" / controllers
        try:
            folder.mkdir(exist_ok=True)
            run(["mount", "-t", "cgroup", "-o", controllers, "cgroup", folder])
        except (OSError, CommandFailed) as error:
            LOG.debug("The controllers %s were not mounted: %s", controllers, error)
