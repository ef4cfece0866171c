"""JupyterLab's command: on the loopback, with a token that no other user of the machine sees, on a free port."""

import socket
from pathlib import Path

from workbook.base.notebooks import NOTEBOOKS
from workbook.cli.lab import FIRST_NOTEBOOK
from workbook.machine.jupyterlab import FOLDERS, SETTINGS, jupyterlab


def test_the_token_is_in_the_address_and_not_among_the_arguments():
    command, variables, address = jupyterlab(NOTEBOOKS, FIRST_NOTEBOOK)
    token = variables["JUPYTER_TOKEN"]
    assert address.endswith(f"/lab/tree/{FIRST_NOTEBOOK}?token={token}") and len(token) >= 32
    assert not any(token in word for word in command)
    assert "--ServerApp.ip=127.0.0.1" in command and address.startswith("http://127.0.0.1:")
    assert (NOTEBOOKS / FIRST_NOTEBOOK).exists() and (SETTINGS / "overrides.json").exists()
    assert jupyterlab(NOTEBOOKS, FIRST_NOTEBOOK)[1] != variables, "two runs have the same token"


def test_the_readers_own_settings_and_kernels_are_not_used(home, monkeypatch):
    for name in FOLDERS:
        monkeypatch.setenv(name, "/reader")
    _, variables, _ = jupyterlab(NOTEBOOKS, FIRST_NOTEBOOK)
    assert all(Path(variables[name]).is_relative_to(home) for name in FOLDERS)


def test_a_port_that_is_taken_is_not_used():
    _, _, address = jupyterlab(NOTEBOOKS, FIRST_NOTEBOOK)
    port = int(address.split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        command, _, other = jupyterlab(NOTEBOOKS, FIRST_NOTEBOOK)
    assert f":{port}/" not in other and f"--ServerApp.port={port}" not in command
