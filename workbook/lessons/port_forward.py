"""A port of a Pod on this machine's loopback: `port_forward`, as a block that ends its forwarding with itself.

It runs in threads of this process, so nothing outlives a notebook's kernel, however that ends. Each connection
looks for a ready Pod anew: when the Pod is replaced, the next connection reaches its successor.
"""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from kubernetes.client.exceptions import ApiException
from kubernetes.stream.ws_client import portforward_call

from workbook.base.errors import WorkbookError
from workbook.cluster.current import api
from workbook.kube.objects import Object, label_selector, ready


class Forward:
    """An open forwarding: `url` answers, `port` is where on this machine it listens."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"


@contextmanager
def port_forward(target: str, ports: str) -> Iterator[Forward]:
    """`kubectl port-forward`: makes a port of a Pod answer on this machine, for the length of the block.

    Args:
        target: `"deployment/NAME"`, `"service/NAME"` or `"pod/NAME"`.
        ports: `"LOCAL:REMOTE"`, such as `"5000:5000"`. A local port that is taken is replaced by a free one, and
            that is said (macOS itself listens on 5000 while AirPlay is on). LOCAL 0 takes any free one.

    Yields:
        A `Forward`, with its `url`. It listens on 127.0.0.1 only.

    Raises:
        WorkbookError: no such target, or none of its Pods is ready.

    Documentation: https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/
    """
    local, remote = (int(port) for port in ports.split(":"))
    selector, remote = _resolve(target, remote)
    _ready_pod(target, selector)  # say now, rather than at the first request, that nothing can answer
    with closing(_listen(local)) as listener:
        ended = threading.Event()
        accepting = threading.Thread(target=_accept, args=(listener, ended, target, selector, remote), daemon=True)
        accepting.start()
        try:
            yield Forward(listener.getsockname()[1])
        finally:
            ended.set()
            accepting.join()  # the port stays open for as long as somebody waits at it


def _resolve(target: str, remote: int) -> tuple[dict[str, str], int]:
    """The list options that find the Pods of `target`, and the port inside them."""
    kind, _, name = target.partition("/")
    if kind == "pod" and name:
        return {"field_selector": f"metadata.name={name}"}, remote
    if kind not in ("deployment", "service") or not name:
        raise WorkbookError(
            f"Nothing can be forwarded to {target!r}.",
            fix="Name it as deployment/NAME, service/NAME or pod/NAME.",
        )
    found = api().find(f"{kind}s", name)
    if not found:
        raise WorkbookError(f"There is no {kind} {name!r} in this Namespace.", fix="Apply its manifest first.")
    spec = found["spec"]
    labels = spec["selector"]
    if kind == "deployment":
        labels = labels.get("matchLabels", {})
    else:
        port = next((entry for entry in spec["ports"] if entry["port"] == remote), None)
        if port is None:
            open_ports = ", ".join(str(entry["port"]) for entry in spec["ports"])
            raise WorkbookError(f"Service {name!r} has no port {remote}.", f"It has {open_ports}.")
        remote = port.get("targetPort", remote)
    return {"label_selector": label_selector(labels)}, remote


def _ready_pod(target: str, selector: dict[str, str]) -> Object:
    """A ready Pod of `target`."""
    found = api().objects("pods", **selector)
    for pod in found:
        if ready(pod):
            return pod
    raise WorkbookError(
        f"No Pod of {target} is ready, so nothing can be forwarded.",
        f"{len(found)} Pod(s) found, none ready.",
        "Wait for it with `rollout_status(…)`, or see why with `events(…)`.",
    )


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        listener = socket.create_server(("127.0.0.1", 0))
        print(f"Port {port} of this machine is taken by another program; using {listener.getsockname()[1]} instead.")
        return listener


def _accept(
    listener: socket.socket, ended: threading.Event, target: str, selector: dict[str, str], remote: int
) -> None:
    listener.settimeout(0.2)  # how soon the end of the block is seen
    while not ended.is_set():
        try:
            near, _ = listener.accept()
        except TimeoutError:
            continue
        except OSError:
            return  # the block has closed it
        threading.Thread(target=_carry, args=(near, ended, target, selector, remote), daemon=True).start()


def _carry(near: socket.socket, ended: threading.Event, target: str, selector: dict[str, str], remote: int) -> None:
    """One connection: its bytes to a ready Pod and back, until one side has closed."""
    with closing(near):
        try:
            pod = _ready_pod(target, selector)
            via = api()
            path = via.path("pods", name=pod["metadata"]["name"])
            tunnel = portforward_call(
                via.configuration,
                "GET",
                f"{via.configuration.host}{path}/portforward",
                query_params=[("ports", str(_number(pod, remote)))],
                headers=via.authorization,
            )
        except (WorkbookError, ApiException, OSError):
            return  # the caller sees its connection closed, as with a program that is not there
        far = tunnel.socket(_number(pod, remote))
        with closing(far):
            while not ended.is_set():
                readable, _, _ = select.select([near, far], [], [], 0.5)
                for side, other in ((near, far), (far, near)):
                    if side in readable:
                        try:
                            data = side.recv(65536)
                            if not data:
                                return
                            other.sendall(data)
                        except OSError:
                            return


def _number(pod: Object, port: int | str) -> int:
    """The number of a Pod's port, which a Service may give by its name."""
    if isinstance(port, int):
        return port
    return next(
        entry["containerPort"]
        for container in pod["spec"]["containers"]
        for entry in container.get("ports", [])
        if entry.get("name") == port
    )
