"""JupyterLab's command: on the loopback, with a token that no other user of the machine sees, on a free port."""

import socket
import sys

import pytest

from workbook.base.notebooks import NOTEBOOKS
from workbook.cli import lab


def test_the_token_is_in_the_address_and_not_among_the_arguments():
    command, variables, address = lab.jupyterlab(NOTEBOOKS)
    token = variables["JUPYTER_TOKEN"]
    assert address.endswith(f"/lab/tree/{lab.FIRST_NOTEBOOK}?token={token}") and len(token) >= 32
    assert not any(token in word for word in command)
    assert "--ServerApp.ip=127.0.0.1" in command and address.startswith("http://127.0.0.1:")
    assert (NOTEBOOKS / lab.FIRST_NOTEBOOK).exists() and (lab.SETTINGS / "overrides.json").exists()
    assert lab.jupyterlab(NOTEBOOKS)[1] != variables, "two runs have the same token"


def test_a_port_that_is_taken_is_not_used():
    _, _, address = lab.jupyterlab(NOTEBOOKS)
    port = int(address.split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        command, _, other = lab.jupyterlab(NOTEBOOKS)
    assert f":{port}/" not in other and f"--ServerApp.port={port}" not in command


@pytest.mark.parametrize("terminal", [True, False])
def test_a_browser_is_opened_from_a_terminal_only(terminal, monkeypatch, capsys):
    order = []
    monkeypatch.setattr(lab, "up", lambda: order.append("up"))
    monkeypatch.setattr(lab, "attend", lambda command, variables: order.append(command) or 3)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert lab.lab() == 3
    assert order[0] == "up" and ("--no-browser" in order[1]) != terminal
    assert "JupyterLab: http://127.0.0.1:" in capsys.readouterr().out
