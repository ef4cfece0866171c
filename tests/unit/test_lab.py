"""`make lab`: the set-up, and the start of JupyterLab."""

import sys

import pytest

from workbook.base.errors import WorkbookError
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


@pytest.mark.parametrize(
    "missing", ["There is no Docker engine on this machine.", "This machine cannot run a cluster: memory."]
)
def test_without_a_cluster_the_notebooks_are_opened_for_reading(missing, monkeypatch, capsys):
    def fail():
        raise WorkbookError(missing, fix="Install Docker.")

    monkeypatch.setattr(lab, "up", fail)
    monkeypatch.setattr(lab, "attend", lambda command, variables: 0)
    assert lab.lab() == 0
    printed = capsys.readouterr().out
    assert f"{missing}\nDo:  Install Docker.\n\nUntil then, you can read the notebooks" in printed
    assert printed.index("but not run them") < printed.index("JupyterLab: http://127.0.0.1:")
