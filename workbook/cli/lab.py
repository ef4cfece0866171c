"""`make lab`: set everything up, then open the notebooks in JupyterLab."""

import sys

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import attend
from workbook.machine.jupyterlab import jupyterlab
from workbook.machine.set_up import up

FIRST_NOTEBOOK = "notebooks/00_start-here.ipynb"


def lab() -> int:
    """Set everything up, then run JupyterLab with the first notebook until the user ends it; return its exit status.

    If the cluster cannot be set up, print the error, and open the notebooks for reading.
    """
    try:
        up()
    except WorkbookError as error:
        print(f"\n{error}\n\nUntil then, you can read the notebooks with their recorded outputs, but not run them.\n")
    command, env, address = jupyterlab(ROOT, FIRST_NOTEBOOK)
    print(f"JupyterLab: {address}\nEnd it with Ctrl-C.\n", flush=True)
    if not sys.stdout.isatty():
        command.append("--no-browser")
    return attend(command, env)
