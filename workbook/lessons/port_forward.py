"""Forward a port of this machine's loopback interface to a Pod, for the duration of a block.

The threads belong to this process and end with it, so nothing remains when a notebook's kernel is killed. Each connection
looks for a ready Pod: when a Pod is replaced, the next connection reaches its successor.
"""

import os
import re
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from socketserver import BaseRequestHandler, ThreadingTCPServer

from kubernetes.client.exceptions import ApiException
from kubernetes.stream.ws_client import portforward_call

from workbook.base.errors import WorkbookError
from workbook.cluster.current import api
from workbook.kube.objects import Object, full_selector, label_selector, ready
from workbook.lessons.kubectl import print_command


class Forward:
    """An open port forwarding: `url` to request, `port` on this machine."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"


class _Server(ThreadingTCPServer):
    daemon_threads = True
    # Reuse a port that was in use a moment ago. On Windows, this option would take another program's port.
    allow_reuse_address = os.name == "posix"


@contextmanager
def port_forward(target: str, ports: str) -> Iterator[Forward]:
    """Forward a port of this machine to a Pod, for the duration of the block (`kubectl port-forward`).

    Args:
        target: `"deployment/NAME"`, `"service/NAME"` or `"pod/NAME"`.
        ports: `"LOCAL:REMOTE"`, such as `"5000:80"`, or `"PORT"` if both are the same. If the local port is taken, a free one
            is used, and a message says so (macOS itself listens on 5000 while AirPlay is on). With LOCAL 0, any free port is used.

    Yields:
        A `Forward`, with its `url`. It listens on 127.0.0.1 only.

    Raises:
        WorkbookError: no such target, it has no such port, or none of its Pods is ready; or these are not ports.

    Documentation: https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/
    """
    print_command("port-forward", target, ports)
    local, remote = _parse(ports)
    find, ended = partial(_find, target, *_resolve(target, remote)), threading.Event()
    find()  # raise an error now rather than at the first request

    class Connection(BaseRequestHandler):
        def handle(self) -> None:
            _carry(self.request, ended, find)

    with _listen(local, Connection) as server:
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        try:
            yield Forward(server.server_address[1])
        finally:
            ended.set()
            server.shutdown()


def _parse(ports: str) -> tuple[int, int]:
    """The local and the remote port in `LOCAL:REMOTE`, or in `PORT`, which is both."""
    if found := re.fullmatch(r"(?:([0-9]+):)?([0-9]+)", ports):
        local, remote = int(found[1] or found[2]), int(found[2])
        if local < 2**16 and 0 < remote < 2**16:
            return local, remote
    raise WorkbookError(
        f"Cannot forward the ports {ports!r}.",
        "Ports are numbers up to 65535, in the form LOCAL:REMOTE or PORT. Only LOCAL may be 0.",
        "Write for example `5000:80`, or `5000` if both ports are the same.",
    )


def _listen(port: int, connection: type[BaseRequestHandler]) -> _Server:
    """A server on this port of the loopback interface, or on a free port if this one is taken."""
    try:
        return _Server(("127.0.0.1", port), connection)
    except OSError:
        server = _Server(("127.0.0.1", 0), connection)
        print(f"Port {port} of this machine is taken by another program; using {server.server_address[1]} instead.")
        return server


def _resolve(target: str, remote: int) -> tuple[dict[str, str], int | str]:
    """The list options that find the Pods of `target`, and the port inside them, by its number or its name."""
    kind, _, name = target.partition("/")
    if kind == "pod" and name:
        return {"field_selector": f"metadata.name={name}"}, remote
    if kind not in ("deployment", "service") or not name:
        raise WorkbookError(
            f"Cannot forward a port to {target!r}.", fix="Name a target: deployment/NAME, service/NAME or pod/NAME."
        )
    found = api().find(f"{kind}s", name)
    if not found:
        raise WorkbookError(f"There is no {kind} {name!r} in this Namespace.", fix="Apply its manifest first.")
    spec = found["spec"]
    if kind == "deployment":
        return {"label_selector": full_selector(spec["selector"])}, remote
    if not spec.get("selector"):
        raise WorkbookError(
            f"Cannot forward a port to {target!r}.",
            f"Its type is {spec['type']}, and it has no selector that names its Pods.",
            f"Connect to {spec.get('externalName', 'the addresses in its EndpointSlice')}, or name a Pod: pod/NAME.",
        )
    targets = {port["port"]: port.get("targetPort", remote) for port in spec.get("ports") or []}
    if remote not in targets:
        why = f"It has {', '.join(map(str, targets)) or 'none'}."
        raise WorkbookError(
            f"Service {name!r} has no port {remote}.", why, "Use one of its ports; `services()` shows them."
        )
    return {"label_selector": label_selector(spec["selector"])}, targets[remote]


def _find(target: str, options: dict[str, str], port: int | str) -> tuple[str, int]:
    """The name of a ready Pod of `target`, and the number of its port."""
    found = api().objects("pods", **options)
    for pod in filter(ready, found):
        return pod["metadata"]["name"], _number(pod, port)
    raise WorkbookError(
        f"Cannot forward a port to {target}: none of its Pods is ready.",
        f"{len(found)} Pod(s) found, none ready.",
        "Wait for them with `rollout_status(…)`, or look for the cause with `events(…)`.",
    )


def _number(pod: Object, port: int | str) -> int:
    """The number of a Pod's port, which a Service may refer to by name."""
    if isinstance(port, int):
        return port
    for container in pod["spec"]["containers"]:
        for entry in container.get("ports", []):
            if entry.get("name") == port:
                return int(entry["containerPort"])
    raise WorkbookError(f"The Pods have no port named {port!r}.", fix="Correct `targetPort` in the Service's manifest.")


def _carry(near: socket.socket, ended: threading.Event, find: Callable[[], tuple[str, int]]) -> None:
    """Carry the bytes of one connection to a ready Pod and back, until either side has closed it."""
    try:
        name, number = find()
        connection = api()
        tunnel = portforward_call(
            connection.configuration,
            "GET",
            f"{connection.configuration.host}{connection.path('pods', name=name)}/portforward",
            query_params=[("ports", str(number))],
            headers=connection.authorization,
        )
    except (WorkbookError, ApiException, OSError):
        return  # the client sees a closed connection, as if the program had ended
    with closing(tunnel.socket(number)) as far:
        while not ended.is_set():
            readable, _, _ = select.select([near, far], [], [], 0.5)
            for side, other in ((near, far), (far, near)):
                if side in readable:
                    try:
                        data = side.recv(65536)
                        other.sendall(data)
                    except OSError:
                        return
                    if not data:
                        return
