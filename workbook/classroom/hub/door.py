"""The door of a class: a port of this machine that leads to the proxy in the cluster."""

import asyncio
import json
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress

from workbook.base.errors import WorkbookError
from workbook.base.processes import CommandFailed
from workbook.classroom.administrator import Administrator
from workbook.classroom.hub.objects import NAMESPACE

LOOPBACK = "127.0.0.1"
ALL = "0.0.0.0"
PORT = 8000
PAUSE = 1
"""Seconds before the next try, after the connection to the cluster was lost."""
PATIENCE = 2
"""Seconds in which a node of a cluster on this machine answers."""
CONNECT = 5
"""Seconds after which a connection counts as refused: a proxy that has ended leaves packets without an answer."""
BLOCK = 65536
"""Bytes that are forwarded at once."""
Address = tuple[str, int]


def is_open(port: int) -> bool:
    """Whether a program listens at a port of the loopback interface."""
    with closing(socket.socket()) as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def hold_open(administrator: Administrator, address: str, port: int) -> None:
    """Forward a port to the proxy until Ctrl-C, also when the proxy or the connection is restarted.

    On the workbook's own cluster, this process forwards to the node. Otherwise, kubectl forwards by the API server, which
    works everywhere, but kubectl starts again after each broken connection.

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
    if target := _node(administrator):
        asyncio.run(forward((address, port), target, lambda: _node(administrator)))
    while True:
        with suppress(CommandFailed):
            words = ("port-forward", f"-n{NAMESPACE}", f"--address={address}", "service/proxy", f"{port}:8000")
            administrator.run(*words, timeout=10**9)
        time.sleep(PAUSE)


def _node(administrator: Administrator) -> Address | None:
    """The address of the proxy's node port, if the Service has one that answers."""
    service = json.loads(administrator.read("get", "service", "proxy", f"-n{NAMESPACE}", "-o", "json"))
    if not (port := service["spec"]["ports"][0].get("nodePort")):
        return None
    query = "jsonpath={.items[0].status.addresses[?(@.type=='InternalIP')].address}"
    address = administrator.read("get", "nodes", "-o", query)
    try:
        socket.create_connection((address, port), timeout=PATIENCE).close()
    except OSError:  # the node is in a virtual machine
        return None
    return address, port


async def forward(near: Address, far: Address, find: Callable[[], Address | None]) -> None:
    """Forward each connection at an address of this machine to another address, until this is cancelled.

    Args:
        near: the address to listen on.
        far: the other one.
        find: finds the other one again when it does not answer: a node that was restarted may have another address. It
            returns None, or raises `CommandFailed`, while it finds none.
    """
    search = asyncio.Lock()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal far
        try:
            answers, requests = await asyncio.wait_for(asyncio.open_connection(*far), CONNECT)
        except OSError:
            writer.close()  # the browser tries again
            if not search.locked():
                async with search:
                    with suppress(CommandFailed):
                        found = await asyncio.to_thread(find)
                        far = found or far
            return
        await asyncio.gather(_copy(reader, requests), _copy(answers, writer))

    async with await asyncio.start_server(connected, *near) as server:
        await server.serve_forever()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy what arrives until one of the two sides closes the connection."""
    with suppress(OSError):
        while data := await source.read(BLOCK):
            target.write(data)
            await target.drain()
    target.close()
