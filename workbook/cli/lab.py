"""`make lab`: open the notebooks in JupyterLab, and set everything up meanwhile."""

import sys

from workbook.base.paths import ROOT
from workbook.base.processes import attend, background
from workbook.bundle.choose import chosen
from workbook.machine.environment import import_path
from workbook.machine.jupyterlab import jupyterlab

FIRST_NOTEBOOK = "notebooks/00_start-here.ipynb"


def lab() -> int:
    """Run JupyterLab with the first notebook until the user ends it, and the set-up next to it; return JupyterLab's exit status.

    The set-up ends together with JupyterLab, and the next one continues where it stopped. If it fails, its error is
    printed, and the notebooks can still be read.
    """
    with jupyterlab(ROOT, FIRST_NOTEBOOK) as (command, env, address):
        print(f"JupyterLab: {address}\nEnd it with Ctrl-C. Meanwhile, everything else is set up:\n", flush=True)
        if not sys.stdout.isatty():
            command.append("--no-browser")
        variables = import_path() | {"PYTHONIOENCODING": "utf-8"}  # on Windows, a file gets another encoding
        with background(set_up(), variables, on_line=_show, on_exit=_report):
            return attend(command, env)


def set_up() -> list[str]:
    """Return the command that sets everything up."""
    bundle = chosen()
    verified = [f"--verified={bundle.seal}"] if bundle else []
    return [sys.executable, "-m", "workbook", "up", *verified]


def _show(line: str) -> None:
    print(line, flush=True)


def _report(status: int) -> None:
    if status:
        print("\nYou can read the notebooks with their recorded outputs. `begin(…)` tries to set up what is missing.\n")
