"""Which control groups are mounted before the engine starts."""

import os
from types import SimpleNamespace

import psutil
import pytest

from workbook.engine import cgroups

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no shell scripts, and no control groups")

CGROUPS = """\
#subsys_name	hierarchy	num_cgroups	enabled
cpu	1	117	1
memory	4	6056	0
net_cls	{0}	69	1
perf_event	{1}	69	1
net_prio	{0}	69	1
hugetlb	10	69	1
"""
MOUNTS = [
    SimpleNamespace(fstype="tmpfs", opts="rw,relatime,mode=755"),
    SimpleNamespace(fstype="cgroup", opts="rw,relatime,cpu"),
    SimpleNamespace(fstype="cgroup", opts="rw,relatime,hugetlb"),
    SimpleNamespace(fstype="cgroup2", opts="rw,relatime,perf_event"),
]


@pytest.fixture
def mounted(tmp_path, program, monkeypatch):
    """A function that mounts, and returns the words of each call of `mount`, which exits with `status`."""
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "proc").mkdir()
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: MOUNTS)

    def mount(*hierarchies: int, status: int = 0) -> list[str]:
        (tmp_path / "proc/cgroups").write_text(CGROUPS.format(*hierarchies), encoding="utf-8")
        program("mount", f'echo "$*" >> "{tmp_path}/calls"; exit {status}')
        cgroups.mount(tmp_path)
        return (tmp_path / "calls").read_text(encoding="utf-8").splitlines()

    return mount


def expected(root, *names):
    return [f"-t cgroup -o {name} cgroup {root}/sys/fs/cgroup/{name}" for name in names]


@pytest.mark.parametrize("hierarchies", [(0, 0), (11, 13)], ids=["no node has mounted them", "a node has mounted them"])
def test_what_is_not_mounted_is_mounted(mounted, tmp_path, hierarchies):
    assert mounted(*hierarchies) == expected(tmp_path, "net_cls,net_prio", "perf_event")
    assert (tmp_path / "sys/fs/cgroup/perf_event").is_dir()


def test_controllers_of_one_hierarchy_are_mounted_together(mounted, tmp_path):
    assert mounted(11, 11) == expected(tmp_path, "net_cls,perf_event,net_prio")


def test_a_failure_ends_nothing(mounted, tmp_path):
    assert len(mounted(0, 0, status=32)) == 2


def test_where_all_are_mounted_nothing_happens(mounted, tmp_path, program):
    (tmp_path / "proc/cgroups").write_text("\n".join(CGROUPS.splitlines()[:3]), encoding="utf-8")
    program("mount", f'touch "{tmp_path}/called"')
    cgroups.mount(tmp_path)
    assert not (tmp_path / "called").exists()
