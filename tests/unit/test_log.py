"""Debugging: commands are logged with WORKBOOK_DEBUG=1, and only then."""

import logging
import re
import shlex
import sys

import pytest

from workbook.base.log import debugging, masked
from workbook.base.processes import CommandFailed, attend, read, run

FAILING = [sys.executable, "-c", "print('printed'); raise SystemExit(3)"]


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_debugging(monkeypatch, value, expected):
    monkeypatch.setenv("WORKBOOK_DEBUG", value)
    assert debugging() is expected


@pytest.mark.parametrize("call", [run, read])
def test_commands_are_logged(monkeypatch, capsys, call):
    monkeypatch.setenv("WORKBOOK_DEBUG", "1")
    with pytest.raises(CommandFailed):
        call(FAILING, env={"PLAIN": "a b", "API_TOKEN": "hidden"})
    started, ended = capsys.readouterr().err.splitlines()
    assert re.match(r"\d\d:\d\d:\d\d workbook: \[\d+\] \$ 'PLAIN=a b' 'API_TOKEN=\*\*\*' '?/", started)
    assert started.endswith("""-c 'print('"'"'printed'"'"'); raise SystemExit(3)'""") and "hidden" not in started
    assert re.search(r"workbook: \[\d+\] exit status 3 after 0\.\d\d s$", ended)


def test_a_command_with_the_terminal_is_logged(monkeypatch, capsys):
    monkeypatch.setenv("WORKBOOK_DEBUG", "1")
    assert attend(FAILING) == 3
    started, ended = [line.partition("] ")[2] for line in capsys.readouterr().err.splitlines()]
    assert started == f"$ {shlex.join(FAILING)}" and ended.startswith("exit status 3 ")


def test_nothing_is_logged_otherwise(monkeypatch, capsys):
    monkeypatch.delenv("WORKBOOK_DEBUG", raising=False)
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(sys.stdout)])
    run([sys.executable, "-c", ""])
    assert capsys.readouterr() == ("", "")


def test_secrets_are_masked():
    env = dict.fromkeys(["GITHUB_TOKEN", "db_password", "CLIENT_SECRET_1", "API_KEY", "KUBECONFIG"], "value")
    assert [name for name, value in masked(env).items() if value == "value"] == ["KUBECONFIG"]
