"""The process of JupyterLab. It imports little, because a reader waits for it.

Run by the command from `jupyterlab`, with that command's arguments for JupyterLab.
"""

import logging
import os
import re
import runpy
import sys

TOKEN = "JUPYTER_TOKEN"
"""The variable with the token of this server."""
SECRET = re.compile(r"(JUPYTER|JPY|CONFIGPROXY).*TOKEN")
"""Variables with the tokens of this server and of a JupyterHub around it. A token gives a person all rights of the user."""


def main() -> None:
    """Run JupyterLab in this process. Its kernels and terminals inherit neither its token nor a JupyterHub's.

    When JupyterLab has stopped, the process ends with its exit status, even if a request was being answered.
    """
    # Unlike the command's arguments, other users cannot see this one.
    sys.argv.append(f"--IdentityProvider.token={os.environ[TOKEN]}")
    for name in filter(SECRET.match, list(os.environ)):
        del os.environ[name]
    try:
        runpy.run_module("jupyterlab", run_name="__main__", alter_sys=True)
    except SystemExit as stopped:
        if isinstance(stopped.code, str):
            raise
        # Python waits for all threads, and the one of a request that was cut off would never end:
        # https://github.com/jupyterlab/jupyterlab/issues/10442
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(stopped.code or 0)


if __name__ == "__main__":
    main()
