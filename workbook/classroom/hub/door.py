"""The door of a class: a port of this machine that leads to the proxy in the cluster."""

import socket
import time
from contextlib import closing

from workbook.base.errors import WorkbookError
from workbook.base.processes import CommandFailed
from workbook.classroom.administrator import Administrator
from workbook.classroom.hub.objects import NAMESPACE

LOOPBACK = "127.0.0.1"
ALL = "0.0.0.0"
PORT = 8000
PAUSE = 1
"""Seconds before the next try, after the connection to the cluster was lost."""


def is_open(port: int) -> bool:
    """Whether a program listens at a port of the loopback interface."""
    with closing(socket.socket()) as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def hold_open(administrator: Administrator, address: str, port: int) -> None:
    """Forward a port to the proxy until Ctrl-C. If the proxy or the connection is restarted, the forwarding is, too.

    Args:
        administrator: an administrator of the cluster.
        address: the address to listen on, `LOOPBACK` or `ALL`.
        port: the port to listen on.

    Raises:
        WorkbookError: the port is in use.

    Documentation: https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/
    """
    if is_open(port):
        raise WorkbookError(
            f"Port {port} is already in use.",
            "Another `make class` may already hold the door of this class open.",
            "Go on with that one, or end it.",
        )
    while True:
        begun = time.monotonic()
        try:
            words = ("port-forward", f"-n{NAMESPACE}", f"--address={address}", "service/proxy", f"{port}:8000")
            administrator.run(*words, timeout=10**9)
        except CommandFailed as error:
            if time.monotonic() - begun < PAUSE and "unable to listen" in error.output:
                raise
        time.sleep(PAUSE)
