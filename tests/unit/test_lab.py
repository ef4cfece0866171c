"""`make lab`: what is set up and started."""

import sys

import pytest

from workbook.cli import lab


@pytest.mark.parametrize("terminal", [True, False])
def test_a_browser_is_opened_from_a_terminal_only(terminal, monkeypatch, capsys):
    order = []
    monkeypatch.setattr(lab, "up", lambda: order.append("up"))
    monkeypatch.setattr(lab, "attend", lambda command, variables: order.append(command) or 3)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert lab.lab() == 3
    assert order[0] == "up" and ("--no-browser" in order[1]) != terminal
    assert "JupyterLab: http://127.0.0.1:" in capsys.readouterr().out
