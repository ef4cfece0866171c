"""The distribution's packages, with replacements of its programs."""

import os
import sys

import pytest

from workbook.base import apt
from workbook.base.processes import CommandFailed

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no shell scripts")


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that puts a shell script in front of this machine's programs."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def write(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)

    return write


@pytest.mark.parametrize(
    ("system", "user", "expected"), [("linux", 0, True), ("linux", 1000, False), ("darwin", 0, False)]
)
def test_only_root_on_linux_installs_packages(program, monkeypatch, system, user, expected):
    program("apt-get", "")
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert apt.installable() is expected


def test_a_warning_is_no_package(program):
    program("apt-cache", 'test "$2" = docker.io && echo "docker.io | 27.5 | main"; echo "W: Unable to locate" >&2')
    assert apt.available("docker.io")
    assert not apt.available("unknown")


def test_installing_asks_no_question(program, capsys):
    program("apt-get", 'test "$DEBIAN_FRONTEND" = noninteractive && test "$2" = -y')
    apt.install(["a", "b"], "Install them.")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "· Install a, b from the distribution's packages …"
    assert lines[1] == "$ DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends a b"


def test_a_failure_has_a_fix(program):
    program("apt-get", "echo 'no network'; exit 100")
    with pytest.raises(CommandFailed, match=r"no network\nDo:  Connect it"):
        apt.refresh("Connect it.")
