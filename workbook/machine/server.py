"""The process of JupyterLab. It imports little, because a reader waits for it.

Run by the command from `jupyterlab`, with that command's arguments for JupyterLab.
"""

import os
import re
import runpy
import sys

TOKEN = "JUPYTER_TOKEN"
"""The variable with the token of this server."""
SECRET = re.compile(r"(JUPYTER|JPY|CONFIGPROXY).*TOKEN")
"""Variables with the tokens of this server and of a JupyterHub around it. A token gives a person all rights of the user."""


def main() -> None:
    """Run JupyterLab in this process. Its kernels and terminals inherit neither its token nor a JupyterHub's."""
    # Unlike the command's arguments, other users cannot see this one.
    sys.argv.append(f"--IdentityProvider.token={os.environ[TOKEN]}")
    for name in filter(SECRET.match, list(os.environ)):
        del os.environ[name]
    runpy.run_module("jupyterlab", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
