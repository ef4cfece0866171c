"""Commands in messages fit the reader's system. The tests imitate other systems by name, user and programs."""

import os

import pytest

from workbook.base import commands
from workbook.base.commands import for_this_system
from workbook.base.errors import WorkbookError
from workbook.engine import daemon
from workbook.machine.findings import Finding

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no shell scripts")

LINUX = ("make", "sudo", "systemctl", "service")


@pytest.fixture
def system(monkeypatch, program, tmp_path):
    """A function that imitates a system: its name, the programs on PATH, the user's ID, and whether systemd runs it."""

    def imitate(name, *programs, user=1000, systemd=True):
        monkeypatch.setattr(commands, "WINDOWS", name == "Windows")
        monkeypatch.delenv("CONDA_PREFIX", raising=False)
        monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
        monkeypatch.setattr(commands, "SYSTEMD", tmp_path if systemd else tmp_path / "absent")
        for each in programs:
            program(each, "")
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    return imitate


@pytest.mark.parametrize(
    "text",
    [
        "Run the notebook's `begin(…)` cell, or `make up` in a terminal.",
        "Start it: `sudo systemctl start docker`.",
        "Look at `%kubectl get pvc`: make the claim.",
    ],
)
def test_nothing_changes_where_all_programs_are(text, system):
    system("Linux", *LINUX)
    assert for_this_system(text) == text


@pytest.mark.parametrize(
    ("typed", "instead"),
    [
        ("`make up`", "`py -m workbook up`"),
        ("`make test-order`", "`py -m workbook test-order`"),
        ("`make lab BUNDLE=…`", "`py -m workbook lab --bundle=…`"),
        ("`make lab BUNDLE=a SUM=b`", "`py -m workbook lab --bundle=a --sum=b`"),
        ("`make test ARGS=--without-cluster`", "`py -m workbook test --without-cluster`"),
        ('`make test ARGS="tests/unit -x"`', "`py -m workbook test tests/unit -x`"),
        ("`make class LEARNERS=20`", "`py -m workbook class 20`"),
        ("`make class LEARNERS=20 ARGS=--delete`", "`py -m workbook class 20 --delete`"),
        ("`make clean`, then `make lab`", "`py -m workbook clean`, then `py -m workbook lab`"),
        ("`make` what you like", "`make` what you like"),
    ],
)
def test_windows_has_no_make(typed, instead, system):
    system("Windows", "py", "python")
    assert for_this_system(f"Run {typed}.") == f"Run {instead}."


@pytest.mark.parametrize(
    ("name", "programs", "python"),
    [
        ("Windows", ["python"], "python"),  # conda's, which brings no launcher
        ("Windows", ["make", "py"], "py"),  # a make for Windows runs no `python3`
        ("Linux", ["python3", "python"], "python3"),
        ("macOS", ["python"], "python"),
        ("Linux", [], "python3"),
    ],
)
def test_without_make_the_python_is_named_that_is_there(name, programs, python, system):
    system(name, *programs)
    assert for_this_system("`make up`") == f"`{python} -m workbook up`"


def test_in_a_conda_environment_on_windows_the_launcher_is_not_named(system, monkeypatch):
    system("Windows", "py", "python")
    monkeypatch.setenv("CONDA_PREFIX", "C:/conda/envs/kubernetes-workbook")
    assert for_this_system("`make up`") == "`python -m workbook up`"


@pytest.mark.parametrize(
    ("user", "programs", "instead"),
    [
        (0, ["sudo"], "`apt-get install docker.io`"),
        (1000, ["sudo"], "`sudo apt-get install docker.io`"),
        (1000, [], '`su - -c "apt-get install docker.io"`'),
    ],
)
def test_sudo_is_not_named_to_root_or_where_it_is_missing(user, programs, instead, system):
    system("Linux", *programs, user=user)
    assert for_this_system("`sudo apt-get install docker.io`") == instead


def test_su_stays_in_the_folder_of_the_makefile(system):
    system("Linux", "make")
    assert for_this_system("`sudo make offline`") == '`su -c "make offline"`'


@pytest.mark.parametrize(
    ("systemd", "programs", "instead"),
    [
        (True, ["sudo", "service"], "`sudo systemctl start docker`"),
        (False, ["sudo", "service"], "`sudo service docker start`"),
        (False, ["sudo", "rc-service"], "`sudo rc-service docker start`"),
        (False, ["sudo"], "`sudo dockerd`"),
    ],
)
def test_without_systemd_the_engine_is_started_as_the_system_can(systemd, programs, instead, system):
    system("Linux", *programs, systemd=systemd)
    assert for_this_system("Start it: `sudo systemctl start docker`.") == f"Start it: {instead}."


def test_errors_and_findings_name_commands_of_the_system(system):
    system("Linux", "service", user=0, systemd=False)
    error = WorkbookError("There is no engine.", "printed by `make up`", daemon.INSTALL)
    assert error.why == "printed by `make up`", "what a program printed is quoted as it is"
    assert "`apt-get install docker.io`. Then start it: `service docker start`." in str(error)
    assert Finding(False, "", "", "Run `make up`.").fix == "Run `python3 -m workbook up`."
