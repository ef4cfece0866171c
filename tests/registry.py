"""An image registry on this machine's loopback, and a way from a kind node to it."""

import contextlib
import select
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from docker.models.containers import Container

from workbook.base import apt
from workbook.base.polling import poll


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run Debian's docker-registry during the block; give its `host:port`.

    Args:
        folder: for its images and its configuration.
    """
    if not shutil.which("docker-registry"):
        if not apt.installable():
            pytest.skip("docker-registry is not installed, and cannot be installed here")
        apt.install(["docker-registry"], "Install Debian's package docker-registry yourself.")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (folder / "registry.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    server = subprocess.Popen(
        ["docker-registry", "serve", folder / "registry.yaml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        poll(lambda: listens(port), timeout=20)
        yield f"localhost:{port}"
    finally:
        server.kill()
        server.wait()


def listens(port: int) -> bool:
    """Whether a program accepts connections at a port of the loopback."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def known_to(node: Container, registry: str) -> Iterator[None]:
    """Let a node of a kind cluster pull from a registry on this machine's loopback, during the block.

    Args:
        node: the container that is the node.
        registry: the registry's `host:port`.
    """
    gateway = next(iter(node.attrs["NetworkSettings"]["Networks"].values()))["Gateway"]
    folder = f"/etc/containerd/certs.d/{registry}"
    with socket.create_server((gateway, 0)) as listener:
        port = int(registry.rpartition(":")[2])
        threading.Thread(target=forward_all, args=(listener, port), daemon=True).start()
        mirror = f'[host."http://{gateway}:{listener.getsockname()[1]}"]\n'
        script = f"mkdir -p {folder} && printf '%s' '{mirror}' > {folder}/hosts.toml"
        assert node.exec_run(["sh", "-c", script]).exit_code == 0
        yield
    with contextlib.suppress(Exception):  # the node may have been deleted
        node.exec_run(["rm", "-r", folder])


def forward_all(listener: socket.socket, port: int) -> None:
    """Forward each connection to a port of this machine's loopback, which a node cannot reach directly."""
    while True:
        try:
            near, _ = listener.accept()
        except OSError:  # the listener is closed
            return
        far = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=forward, args=(near, far), daemon=True).start()


def forward(near: socket.socket, far: socket.socket) -> None:
    """Copy the bytes of a connection in both directions until one side closes it."""
    with near, far, contextlib.suppress(OSError):
        while True:
            for side in select.select([near, far], [], [])[0]:
                data = side.recv(65536)
                if not data:
                    return
                (far if side is near else near).sendall(data)
