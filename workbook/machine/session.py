"""The environment of kernels and terminals, in which kubectl and minikube use the workbook's cluster, and Jupyter its own files."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress

import psutil

from workbook.base.paths import home
from workbook.cluster.current import current
from workbook.kube import kubeconfig, kubectl
from workbook.machine.environment import import_path

PATIENCE = 5  # seconds to wait for a shell's start-up files
FOLDERS = {
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "MPLCONFIGDIR": "matplotlib",
}
"""Variables for the folders in which Jupyter, IPython and matplotlib store settings and files → the workbook's own folders.

A reader's own settings could change JupyterLab's address, password or kernels, and the look of tables.
"""


def for_commands() -> dict[str, str]:
    """Return the variables that make commands such as kubectl and minikube use the workbook's cluster.

    The cluster need not run yet. The reader's own KUBECONFIG is kept in a variable, to find an existing cluster.

    Raises:
        WorkbookError: the settings name no cluster; see `choose`.
    """
    cluster = current()
    program = cluster.program(cluster.provider)  # the bundle's minikube or kind is not on PATH
    path = kubectl.search_path(cluster, *([program.parent] if program else []))
    return cluster.environment() | {"PATH": path, kubeconfig.USERS: kubeconfig.users()}


def for_kernels() -> dict[str, str]:
    """Return the variables for Jupyter and its kernels: those of `for_commands`, and the workbook's own folders.

    Documentation: https://docs.jupyter.org/en/latest/use/jupyter-directories.html
    """
    folders = {variable: home() / "jupyter" / name for variable, name in FOLDERS.items()}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)  # otherwise IPython creates a folder in /tmp, and leaves it there
    own = {variable: str(folder) for variable, folder in folders.items()} | {"JUPYTER_PATH": ""}
    return for_commands() | own | import_path()


def shell() -> str:
    """Return the program of the user's shell."""
    if os.name != "nt":
        return os.environ.get("SHELL") or "/bin/sh"
    shells = {"pwsh.exe", "powershell.exe", "cmd.exe"}
    around = (parent.exe() for parent in psutil.Process().parents() if parent.name().lower() in shells)
    return next(around, "powershell.exe")


def repairs(variables: Mapping[str, str]) -> list[str]:
    """Return the commands that make the user's shell use the kubectl in `variables`, if its start-up files replace it.

    It asks the shell, without a terminal. If the shell does not answer, there are no commands.
    """
    if os.name == "nt":
        return []
    mark = "workbook="
    ask = f'echo "{mark}$KUBECONFIG"; echo "{mark}$(command -v kubectl)"'
    # A file, because processes that the shell leaves behind could keep a pipe open.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as printed:
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                [shell(), "-i", "-c", ask],
                env=os.environ | variables,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.DEVNULL,
                timeout=PATIENCE,
                start_new_session=True,  # an interactive shell would take the terminal away
            )
        printed.seek(0)
        answers = [line.strip().removeprefix(mark) for line in printed if line.startswith(mark)]
    if len(answers) != 2:
        return []
    config, program = answers
    found = [] if config == variables["KUBECONFIG"] else [f"export KUBECONFIG={shlex.quote(variables['KUBECONFIG'])}"]
    if program.startswith("alias "):
        found.append("unalias kubectl")
    elif program == "kubectl":
        found.append("unset -f kubectl")
    elif program != shutil.which("kubectl", path=variables["PATH"]):
        found.append(f"export PATH={shlex.quote(variables['PATH'].split(os.pathsep)[0])}:$PATH")
    return found
