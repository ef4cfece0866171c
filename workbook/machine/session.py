"""The environment of kernels and terminals: in it, kubectl and minikube use the workbook's cluster, and Jupyter only its own files."""

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

PATIENCE = 5  # seconds that a shell's start-up files may take
FOLDERS = {
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "MPLCONFIGDIR": "matplotlib",
}
"""The variables that name the folders where Jupyter, IPython and matplotlib read a user's settings and leave files, and the
workbook's own.

A reader's own settings could give JupyterLab another address, a password, or other kernels, and tables another form.
"""


def for_commands() -> dict[str, str]:
    """The variables with which commands such as kubectl and minikube use the workbook's cluster.

    They are known before the cluster is started. The reader's own KUBECONFIG is kept: an existing cluster is found by it.

    Raises:
        WorkbookError: the settings name no cluster; see `choose`.
    """
    cluster = current()
    program = cluster.program(cluster.provider)  # the bundle's minikube or kind is on no PATH
    path = kubectl.search_path(cluster, *([program.parent] if program else []))
    return cluster.environment() | {"PATH": path, kubeconfig.USERS: kubeconfig.users()}


def for_kernels() -> dict[str, str]:
    """The variables of Jupyter and its kernels: those of `for_commands`, and folders instead of the user's own. Raises as it does.

    Documentation: https://docs.jupyter.org/en/latest/use/jupyter-directories.html
    """
    folders = {variable: home() / "jupyter" / name for variable, name in FOLDERS.items()}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)  # else IPython takes a folder in /tmp, and leaves it there
    own = {variable: str(folder) for variable, folder in folders.items()} | {"JUPYTER_PATH": ""}
    return for_commands() | own | import_path()


def shell() -> str:
    """The program of the user's own shell."""
    if os.name != "nt":
        return os.environ.get("SHELL") or "/bin/sh"
    shells = {"pwsh.exe", "powershell.exe", "cmd.exe"}
    around = (parent.exe() for parent in psutil.Process().parents() if parent.name().lower() in shells)
    return next(around, "powershell.exe")


def repairs(variables: Mapping[str, str]) -> list[str]:
    """The commands to type in the user's shell so that its kubectl is that of `variables`, because its start-up files change it.

    The shell is asked, without a terminal; nothing is known of one that does not answer.
    """
    if os.name == "nt":
        return []
    mark = "workbook="
    ask = f'echo "{mark}$KUBECONFIG"; echo "{mark}$(command -v kubectl)"'
    # A file, because a pipe could be kept open by what the shell leaves behind.
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
