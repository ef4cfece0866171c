"""`make shell`, also used for JupyterLab's terminals: the user's shell, in which kubectl uses the workbook's cluster."""

import os

from workbook.base.commands import for_this_system
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import attend
from workbook.cluster import ready
from workbook.cluster.current import current
from workbook.kube import kubectl
from workbook.machine import journal, session

OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
"""Variables that would make another `make`, typed in the shell, behave as a part of this one."""


def shell() -> None:
    """Print which cluster kubectl uses, then run the user's shell until it exits. The cluster need not be running.

    The shell starts in the repository's root, where the paths in the notebooks begin.
    """
    cluster, variables = current(), session.for_commands()
    try:
        print(f"In this shell, kubectl uses {cluster.describe()}. Type `exit` to leave.")
        if ready.reach(cluster):
            kubectl.provide(cluster, cluster.kubectl())
        elif (found := journal.read(cluster.folder)) and found.running:
            print(f"The cluster is being set up: {found.progress}.")
        else:
            print(for_this_system("The cluster is not running: `make up` starts it."))
    except WorkbookError as error:
        print(error)
    if commands := session.repairs(variables):
        print(f"Your shell's start-up files make kubectl use something else. First type: {'; '.join(commands)}")
    for name in OF_MAKE:
        os.environ.pop(name, None)
    os.chdir(ROOT)  # JupyterLab may start a terminal in the folder that its file browser shows
    attend([session.shell()], variables)


if __name__ == "__main__":
    shell()
