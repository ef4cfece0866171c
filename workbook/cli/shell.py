"""`make shell`: the user's own shell, in which kubectl and minikube use the workbook's cluster. JupyterLab's terminals are it, too."""

import os

from workbook.base.commands import for_this_system
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import attend
from workbook.cluster import ready
from workbook.cluster.current import current
from workbook.kube import kubectl
from workbook.machine import session

OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
"""Variables by which another `make`, typed in the shell, would believe that it is a part of this one."""


def shell() -> None:
    """Say which cluster kubectl uses, then run the user's shell to its end. The cluster may be stopped, or absent.

    The shell starts in the repository's root, where the paths in the notebooks begin.
    """
    cluster, variables = current(), session.for_commands()
    try:
        print(f"Here, kubectl uses {cluster.describe()}. `exit` leaves.")
        if ready.reach(cluster):
            kubectl.provide(cluster, cluster.kubectl())
        else:
            print(for_this_system("It does not run: `make up` starts it."))
    except WorkbookError as error:
        print(error)
    if commands := session.repairs(variables):
        print(f"But your shell's start-up files lead kubectl elsewhere. First type: {'; '.join(commands)}")
    for name in OF_MAKE:
        os.environ.pop(name, None)
    os.chdir(ROOT)  # JupyterLab may start a terminal in the folder that its file browser shows
    attend([session.shell()], variables)


if __name__ == "__main__":
    shell()
