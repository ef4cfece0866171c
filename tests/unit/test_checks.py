"""A machine that is too small is refused before anything starts."""

from collections import namedtuple
from types import SimpleNamespace

import pytest
from requests.exceptions import ReadTimeout

from workbook.base.errors import WorkbookError
from workbook.cluster.current import current
from workbook.engine import find as engine
from workbook.machine import checks, host, tools
from workbook.machine.findings import Facts

GB = 10**9


@pytest.fixture
def machine(home, monkeypatch):
    def has(cpus=4, memory=8 * 2**30, free=50 * GB):
        info = {"ServerVersion": "28", "NCPU": cpus, "MemTotal": memory, "DockerRootDir": "/"}
        monkeypatch.setattr(engine, "ensure_engine", lambda **_: SimpleNamespace(info=lambda: info))
        usage = namedtuple("usage", "free")(free)
        monkeypatch.setattr(host.shutil, "disk_usage", lambda place: usage)

    return has


def test_enough(machine):
    machine()
    checks.require(current().engine)


@pytest.mark.parametrize(
    ("less", "message"),
    [
        ({"cpus": 1}, r"CPUs(.|\n)*at least 2; found: 1"),
        ({"memory": 2 * 2**30}, r"memory(.|\n)*at least 4 GB; found: 2\.0 GB"),
        ({"free": 3 * GB}, r"disk(.|\n)*at least 10 GB free; found: 3 GB free(.|\n)*docker system df"),
    ],
)
def test_too_little(machine, less, message):
    machine(**less)
    with pytest.raises(WorkbookError, match=message):
        checks.require(current().engine)


def test_a_missing_engine_is_reported_before_its_size(home, monkeypatch):
    def none(**_):
        raise WorkbookError("There is no Docker engine on this machine.", fix="Install Docker.")

    monkeypatch.setattr(engine, "ensure_engine", none)
    with pytest.raises(WorkbookError, match=r"no Docker engine(.|\n)*Install Docker"):
        checks.require(current().engine)


def test_an_engine_that_does_not_answer_any_more_is_a_finding(machine, monkeypatch):
    def info():
        raise ReadTimeout("Read timed out. (read timeout=4)")

    monkeypatch.setattr(engine, "ensure_engine", lambda **_: SimpleNamespace(info=info))
    (finding,) = checks.findings(["Docker engine"], Facts(changes=True))
    assert (finding.ok, finding.found) == (False, "Read timed out. (read timeout=4)")
    assert finding.fix.startswith("Run this again.")


@pytest.mark.parametrize("bundle", [None, "a bundle"])
def test_with_a_bundle_no_engine_is_downloaded(home, monkeypatch, bundle):
    asked = []

    def ensure(*, offline, nodes):
        asked.append(offline)
        raise WorkbookError("There is no Docker engine on this machine.")

    monkeypatch.setattr(engine, "ensure_engine", ensure)
    monkeypatch.setattr(tools, "chosen", lambda: bundle)
    (finding,) = checks.findings(["Docker engine"], Facts(changes=True))
    assert finding.ok is False and asked == [bundle is not None]


def test_memory_is_not_judged_where_the_system_does_not_report_it(monkeypatch):
    """As on Windows, while no Docker engine runs."""
    monkeypatch.setattr(host, "_physical_memory", lambda: 0)
    finding = host.memory(Facts())
    assert finding.ok is None and finding.found == "unknown without a Docker engine"
