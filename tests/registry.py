"""An image registry on this machine's loopback, and the way from a kind node to it."""

import contextlib
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from workbook.base import apt as packages


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Debian's docker-registry with its images in `folder`, for the length of the block: its `host:port`."""
    if not shutil.which("docker-registry"):
        if not packages.installable():
            pytest.skip("there is no docker-registry, and it cannot be installed here")
        packages.install(["docker-registry"], "Install Debian's package docker-registry yourself.")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (folder / "registry.yaml").write_text(yaml.safe_dump(settings))
    server = subprocess.Popen(
        ["docker-registry", "serve", folder / "registry.yaml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert time.monotonic() < deadline, "docker-registry does not listen"
        time.sleep(0.1)
    try:
        yield f"localhost:{port}"
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def known_to(node, registry: str) -> Iterator[None]:
    """Has the container `node` of a kind cluster find the registry at `host:port`, for the length of the block."""
    gateway = next(iter(node.attrs["NetworkSettings"]["Networks"].values()))["Gateway"]
    folder = f"/etc/containerd/certs.d/{registry}"
    with socket.create_server((gateway, 0)) as listener:
        threading.Thread(target=relay, args=(listener, int(registry.rpartition(":")[2])), daemon=True).start()
        mirror = f'[host."http://{gateway}:{listener.getsockname()[1]}"]\n'
        script = f"mkdir -p {folder} && printf '%s' '{mirror}' > {folder}/hosts.toml"
        assert node.exec_run(["sh", "-c", script]).exit_code == 0
        yield
    with contextlib.suppress(Exception):  # the node may be gone by now
        node.exec_run(["rm", "-r", folder])


def relay(listener: socket.socket, port: int) -> None:
    """Carries each connection on to this machine's loopback, which a node cannot reach by itself."""
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=carry, args=(near, socket.create_connection(("127.0.0.1", port))), daemon=True).start()


def carry(near: socket.socket, far: socket.socket) -> None:
    with near, far, contextlib.suppress(OSError):
        while True:
            for side in select.select([near, far], [], [])[0]:
                data = side.recv(65536)
                if not data:
                    return
                (far if side is near else near).sendall(data)
