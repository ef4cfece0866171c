"""The kind node image, from source: for machines that cannot pull one."""

import json
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from docker import DockerClient
from docker.errors import ImageNotFound

from node import machine
from node.archive import write_image, write_layer
from node.cache import HERE, VERSIONS, digest, folder, made
from node.filesystem import filesystem, filesystem_key
from node.toolchain import CONTROL_PLANE, compiled, compiled_key, kind, kind_files
from workbook.base.errors import WorkbookError
from workbook.base.processes import run
from workbook.base.steps import step

FILES = HERE / "files"
ENTRYPOINT = ["/usr/local/bin/entrypoint", "/sbin/init"]
PAUSE = "registry.k8s.io/pause"
# Where containerd looks for registries' mirrors; newer ones than Debian's look there by themselves.
REGISTRIES = """
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
"""
OOM = b"[Service]\nOOMScoreAdjust=0\n"


def node_tag() -> str:
    """The tag that the node image for this machine has once it is built."""
    return f"workbook-node:v{VERSIONS['kubernetes']}-{_key()}"


def _key() -> str:
    return digest(
        filesystem_key("node"),
        filesystem_key("kube-proxy"),
        *map(compiled_key, ("kubernetes", "etcd", "coredns")),
        VERSIONS["kind"],
        FILES,
        HERE / "runc-wrapper",
        HERE / "image.py",
        str(machine.detect().locked_down),
    )


def node_image(engine: DockerClient) -> str:
    """The tag of the node image in `engine`, built from source where it is not there yet: some ten minutes on two cores.

    Each part is cached by what it is made of, so only what has changed is built again; an interrupted build goes on
    where it stopped.

    Raises:
        WorkbookError: a part could not be built; shows the end of its log.
    """
    tag = node_tag()
    try:
        engine.images.get(tag)
    except ImageNotFound:
        _build(engine, tag)
    return tag


def _build(engine: DockerClient, tag: str) -> None:
    # Two at a time: while one waits for the network, the other computes. CoreDNS comes after Kubernetes, because
    # most of it is the client library that is then compiled already.
    with ThreadPoolExecutor(2) as pool:
        kubernetes = pool.submit(compiled, "kubernetes")
        others = pool.submit(_others)
        others.result()
        kubernetes.result()
    compiled("coredns")
    preload = control_plane_images()
    base = f"workbook-node-base:{_key()}"
    archive = made("node-base", _key(), partial(_write_base, base)) / "image.tar"
    with step("Assemble the node image"), archive.open("rb") as content:
        engine.images.load(content)
        container = engine.containers.create(
            base,
            entrypoint=["/preload.sh"],
            privileged=True,
            volumes={str(preload): {"bind": "/preload", "mode": "ro"}},
        )
        try:
            container.start()
            if container.wait(timeout=600)["StatusCode"]:
                raise WorkbookError(
                    "The control plane's images did not go into the node image.",
                    container.logs(tail=20).decode(errors="replace"),
                    "Run this again; if it fails again, `make clean` begins afresh.",
                )
            repository, _, version = tag.partition(":")
            container.commit(
                repository,
                version,
                changes=[
                    f"ENTRYPOINT {json.dumps(ENTRYPOINT)}",
                    "CMD []",
                ],
            )
        finally:
            container.remove(force=True)
            engine.images.remove(base, force=True)
    _remove_older(engine, "workbook-node", tag)


def _remove_older(engine: DockerClient, repository: str, newest: str) -> None:
    """Removes what earlier versions of this file have built, where no cluster is made of it."""
    for image in engine.images.list(repository):
        for tag in image.tags:
            if tag != newest and not engine.containers.list(all=True, filters={"ancestor": tag}):
                engine.images.remove(tag)


def _others() -> None:
    filesystem("node")
    filesystem("kube-proxy")
    compiled("etcd")
    pause()
    kind()  # needed right after the image; here its download costs nothing


def control_plane_images() -> Path:
    """The folder with an archive of each image that kubeadm starts, tagged as kubeadm names it."""
    key = digest(
        *map(compiled_key, ("kubernetes", "etcd", "coredns")),
        filesystem_key("kube-proxy"),
        FILES / "pause.c",
        HERE / "archive.py",
    )

    def build(folder: Path) -> None:
        kubernetes = compiled("kubernetes")
        names = run(
            [kubernetes / "kubeadm", "config", "images", "list", "--kubernetes-version", f"v{VERSIONS['kubernetes']}"]
        ).split()
        programs = {name: kubernetes / name for name in CONTROL_PLANE} | {"etcd": compiled("etcd") / "etcd"}
        with step("Make the control plane's images"), tempfile.TemporaryDirectory(dir=folder) as scratch:
            layer = Path(scratch, "layer.tar")
            for tag in names:
                name = re.search(r"([^/:]+):[^:]*$", tag).group(1)
                below, entrypoint = [], None
                if name in programs:
                    write_layer(layer, {f"usr/local/bin/{name}": programs[name]})
                    below = [filesystem(name)] if name == "kube-proxy" else []
                else:
                    program = pause() / name if name == "pause" else compiled(name) / name
                    write_layer(layer, {name: program})
                    entrypoint = [f"/{name}"]
                write_image(folder / f"{name}.tar", tag, [*below, layer], entrypoint=entrypoint)

    return made("control-plane", key, build)


def pause() -> Path:
    """The folder with the program that holds a Pod's namespaces, compiled statically."""

    def build(folder: Path) -> None:
        with step("Compile pause"):
            run(
                ["cc", "-Os", "-static", "-s", "-o", folder / "pause", FILES / "pause.c"],
                fix="Install a C compiler: apt-get install gcc libc6-dev",
            )

    return made("pause", digest(FILES / "pause.c"), build)


def _write_base(tag: str, folder: Path) -> None:
    """Writes the node image without the control plane's images: a Debian system, kind's files, Kubernetes' programs."""
    locked = machine.detect().locked_down
    kubernetes, theirs = compiled("kubernetes"), kind_files()
    pause_tag = next(
        line
        for line in run(
            [kubernetes / "kubeadm", "config", "images", "list", "--kubernetes-version", f"v{VERSIONS['kubernetes']}"]
        ).split()
        if line.startswith(PAUSE)
    )
    files: dict[str, Path | bytes | str] = {}
    for path in theirs.rglob("*"):
        if path.is_file() and "LICENSES" not in path.parts and "containerd-fuse-overlayfs" not in path.name:
            files[str(path.relative_to(theirs))] = path
    config = (theirs / "etc/containerd/config.toml").read_text()
    config = re.sub(r'sandbox_image = ".*"', f'sandbox_image = "{pause_tag}"', config)
    config += REGISTRIES
    if locked:
        config = config.replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
        files["usr/local/sbin/runc"] = HERE / "runc-wrapper"  # before the real one on PATH
        files["etc/systemd/system/service.d/oom.conf"] = OOM
    files |= {
        "etc/containerd/config.toml": config.encode(),
        "etc/cni/net.d/10-bridge.conflist": FILES / "10-bridge.conflist",
        "kind/version": f"v{VERSIONS['kubernetes']}".encode(),
        "kind/manifests/default-storage.yaml": FILES / "storage.yaml",
        "preload.sh": FILES / "preload.sh",
        "opt/cni/bin": "-> /usr/lib/cni",
        "usr/local/bin/containerd": "-> /usr/bin/containerd",
        "etc/kubernetes/manifests/.keep": b"",
        "etc/systemd/system/systemd-binfmt.service": "-> /dev/null",
    }
    for unit in ("kubelet", "containerd", "undo-mount-hacks"):
        files[f"etc/systemd/system/multi-user.target.wants/{unit}.service"] = f"-> /etc/systemd/system/{unit}.service"
    for program in ("kubelet", "kubeadm", "kubectl"):
        files[f"usr/bin/{program}"] = kubernetes / program
    with step("Write the node's file system"), tempfile.TemporaryDirectory(dir=folder) as scratch:
        layer = Path(scratch, "layer.tar")
        write_layer(layer, files)
        write_image(
            folder / "image.tar",
            tag,
            [filesystem("node"), layer],
            env=["container=docker"],
            entrypoint=ENTRYPOINT,
            stop_signal="SIGRTMIN+3",
        )


def base_tag(purpose: str) -> str:
    """The tag that `base_image` gives."""
    return f"workbook-{purpose}:{filesystem_key(purpose)}"


def base_image(engine: DockerClient, purpose: str) -> str:
    """A base image made from Debian's packages.

    It trusts the certificate authorities that this machine trusts, so that a build behind a proxy which opens TLS
    can install packages. Works with any engine, the one inside minikube's node included.

    Args:
        engine: where it is loaded.
        purpose: `"python"`, `"jdk"` (to compile and link Java), or `"debian"` (nothing but the system).

    Returns:
        Its tag in `engine`.

    Raises:
        WorkbookError: see `filesystem`.
    """
    tag = base_tag(purpose)
    try:
        engine.images.get(tag)
        return tag
    except ImageNotFound:
        pass
    trust = "/etc/ssl/certs/ca-certificates.crt"
    env = {"python": [f"PIP_CERT={trust}", "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1"]}.get(purpose, [])
    root = filesystem(purpose)
    with step(f"Make the base image for {purpose}"), tempfile.TemporaryDirectory(dir=folder()) as scratch:
        archive = Path(scratch, "image.tar")
        write_image(archive, tag, [root], env=env)
        with archive.open("rb") as content:
            engine.images.load(content)
    _remove_older(engine, f"workbook-{purpose}", tag)
    return tag
