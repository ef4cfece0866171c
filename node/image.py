"""The kind node image and the base images, built from source for machines that cannot pull them."""

import json
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from node import machine
from node.archive import Image, write_images, write_layer, write_part
from node.cache import HASH, HERE, digest, folder, made
from node.filesystem import CERTIFICATES, filesystem, filesystem_key
from node.toolchain import CONTROL_PLANE, KUBERNETES, compiled, compiled_key, download, kind, kind_files
from node.versions import VERSIONS, suffix, version_of
from workbook.base.errors import WorkbookError
from workbook.base.processes import read, run
from workbook.base.steps import step

if TYPE_CHECKING:
    from docker import DockerClient

FILES = HERE / "files"
ENTRYPOINT = ["/usr/local/bin/entrypoint", "/sbin/init"]
# The folder with containerd's settings for registries. Debian's containerd has no default for it; newer versions do.
REGISTRIES = """
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
"""
OOM = b"[Service]\nOOMScoreAdjust=0\n"
LIBRARIES = ("c", "m", "mnl", "nftnl", "xtables", "ip?tc", "netfilter_conntrack", "nfnetlink")
IPTABLES = (
    *("bin", "sbin", "lib*", "usr/lib*/ld-linux-*"),  # links, and the loader
    *("usr/sbin/*tables*", "etc/alternatives/*tables*", "usr/lib/*/xtables/*.so"),
    *(f"usr/lib/*/lib{name}.so*" for name in LIBRARIES),
)
"""The files of the node's Debian that kube-proxy needs: iptables, and the libraries of iptables."""


def node_tag() -> str:
    """The tag that `node_image` gives the node image on this machine."""
    return f"workbook-node:v{version_of('kubernetes')}-{_key()}"


def _key() -> str:
    return digest(
        filesystem_key("node"),
        _control_plane_key(),
        VERSIONS["kind"],
        FILES,
        HERE / "runc-wrapper",
        HERE / "image.py",
        str(machine.detect().locked_down),
    )


def _control_plane_key() -> str:
    parts = map(compiled_key, ("kubernetes", "etcd", "coredns"))
    return digest(*parts, filesystem_key("node"), *IPTABLES, FILES / "pause.c", HERE / "archive.py")


def node_image(engine: "DockerClient") -> str:
    """Build the node image from source if `engine` does not have it. That takes about ten minutes on two cores.

    Each part is cached under the hash of its inputs, so only changed parts are built again, and an interrupted build
    continues where it stopped.

    Returns:
        The image's tag in `engine`.

    Raises:
        WorkbookError: a part could not be built; with the end of its log.
    """
    tag = node_tag()
    if not engine.images.list(tag):
        _build(engine, tag)
    return tag


def _build(engine: "DockerClient", tag: str) -> None:
    # Two threads: one can compile while the other waits for the network. CoreDNS is compiled after Kubernetes, because
    # both contain the Kubernetes client library, which is then in Go's build cache.
    with ThreadPoolExecutor(2) as pool:
        kubernetes, others = pool.submit(compiled, "kubernetes"), pool.submit(_others)
        others.result()
        kubernetes.result()
    compiled("coredns")
    preload = control_plane_images()
    base = f"workbook-node-base:{_key()}"
    with _node_base(base).open("rb") as content, step("Assemble the node image"):
        engine.images.load(content)
        container = engine.containers.create(
            base,
            entrypoint=["/preload.sh"],
            privileged=True,
            volumes={str(preload.parent): {"bind": "/preload", "mode": "ro"}},
        )
        try:
            container.start()
            if container.wait(timeout=600)["StatusCode"]:
                raise WorkbookError(
                    "The images of the control plane could not be added to the node image.",
                    container.logs(tail=20).decode(errors="replace"),
                    "Run this again. If it fails again, run `make clean` to start over.",
                )
            repository, _, version = tag.partition(":")
            container.commit(repository, version, changes=[f"ENTRYPOINT {json.dumps(ENTRYPOINT)}", "CMD []"])
        finally:
            container.remove(force=True)
            engine.images.remove(base, force=True)
    remove_older(engine, tag)


def remove_older(engine: "DockerClient", newest: str) -> None:
    """Remove the images whose tags only differ from `newest` in the hash at the end, except those that a container uses.

    Node images with another Kubernetes stay: building one takes minutes.
    """
    # Behind "workbook-node:v1.32.2-" or "workbook-python:". Others with a longer beginning stay, such as "workbook-hub:packages-".
    older = re.compile(re.escape(newest[:-HASH]) + "[^-]+")
    for image in engine.images.list(newest.partition(":")[0]):
        for tag in image.tags:
            if (
                older.fullmatch(tag)
                and tag != newest
                and not engine.containers.list(all=True, filters={"ancestor": tag})
            ):
                engine.images.remove(tag)


def _others() -> None:
    """Build the parts that do not depend on Kubernetes' programs."""
    filesystem("node")
    compiled("etcd")
    pause()
    kind()  # the cluster needs it right after the image; here, the download takes no extra time
    download("coredns")  # its compilation waits for that of Kubernetes


def control_plane_images() -> Path:
    """An archive of the images that kubeadm starts, with the tags that kubeadm expects.

    Kubernetes' programs are in a layer that four of the images share.
    """

    def build(target: Path) -> None:
        others = {name: compiled(name) / name for name in ("etcd", "coredns")} | {"pause": pause() / "pause"}
        with step("Make the control plane's images"):
            layers = {name: target / f"{name}.tar" for name in ("kubernetes", "iptables", *others)}
            write_layer(layers["kubernetes"], _kubernetes("usr/local/bin", CONTROL_PLANE))
            write_part(layers["iptables"], filesystem("node"), IPTABLES)
            for name, program in others.items():
                write_layer(layers[name], {f"usr/local/bin/{name}": program})
            images = []
            for name, tag in _control_plane_tags().items():
                # Layers are unpacked from the bottom: with the shared one there, it is unpacked once.
                own = [layers[name]] if name in others else [layers["kubernetes"]]
                above = [layers["iptables"]] if name == "kube-proxy" else []
                images.append(Image(tag, [*own, *above], entrypoint=[f"/usr/local/bin/{name}"]))
            write_images(target / "images.tar", *images)
            for layer in layers.values():
                layer.unlink()

    return made(f"control-plane{suffix()}", _control_plane_key(), build) / "images.tar"


def _kubernetes(where: str, names: Sequence[str]) -> dict[str, Path | bytes | str]:
    """Kubernetes' programs in a folder of an image, for `write_layer`: one file, and a link to it for each name."""
    program: dict[str, Path | bytes | str] = {f"{where}/kubernetes": compiled("kubernetes") / "kubernetes"}
    return program | {f"{where}/{name}": "-> kubernetes" for name in names}


def _control_plane_tags() -> dict[str, str]:
    """The tags of the images that kubeadm starts, each under the name of its program."""
    version = f"--kubernetes-version=v{version_of('kubernetes')}"
    with tempfile.TemporaryDirectory() as scratch:
        kubeadm = Path(scratch, "kubeadm")
        kubeadm.symlink_to(compiled("kubernetes") / "kubernetes")
        listing = read([kubeadm, "config", "images", "list", version])
    return {tag.rpartition("/")[2].partition(":")[0]: tag for tag in listing.split()}


def pause() -> Path:
    """The folder with the program that keeps a Pod's namespaces open, statically compiled."""

    def build(target: Path) -> None:
        fix = "Install a C compiler: apt-get install gcc libc6-dev"
        with step("Compile pause"):
            run(["cc", "-Os", "-static", "-s", "-o", target / "pause", FILES / "pause.c"], fix=fix)

    return made("pause", digest(FILES / "pause.c"), build)


def _node_base(tag: str) -> Path:
    """An archive of the node image without the control plane's images: Debian, kind's files, Kubernetes' programs."""

    def build(target: Path) -> None:
        layer, files = target / "layer.tar", _node_files()
        with step("Write the node's file system"):
            write_layer(layer, files)
            image = Image(
                tag,
                [filesystem("node"), layer],
                env=["container=docker"],
                entrypoint=ENTRYPOINT,
                stop_signal="SIGRTMIN+3",
            )
            write_images(target / "image.tar", image)
        layer.unlink()

    return made(f"node-base{suffix()}", _key(), build) / "image.tar"


def _node_files() -> dict[str, Path | bytes | str]:
    """The files that the node image adds to Debian, for `write_layer`."""
    source = kind_files()
    files: dict[str, Path | bytes | str] = {
        str(path.relative_to(source)): path
        for path in source.rglob("*")
        if path.is_file() and "LICENSES" not in path.parts and "containerd-fuse-overlayfs" not in path.name
    }
    config = (source / "etc/containerd/config.toml").read_text(encoding="utf-8") + REGISTRIES
    config = re.sub(r'sandbox_image = ".*"', f'sandbox_image = "{_control_plane_tags()["pause"]}"', config)
    if machine.detect().locked_down:
        config = config.replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
        files["usr/local/sbin/runc"] = HERE / "runc-wrapper"  # found on PATH before the real runc
        files["etc/systemd/system/service.d/oom.conf"] = OOM
    files |= {
        "etc/containerd/config.toml": config.encode(),
        "etc/cni/net.d/10-bridge.conflist": FILES / "10-bridge.conflist",
        "kind/version": f"v{version_of('kubernetes')}".encode(),
        "kind/manifests/default-storage.yaml": FILES / "storage.yaml",
        "preload.sh": FILES / "preload.sh",
        "opt/cni/bin": "-> /usr/lib/cni",
        "usr/local/bin/containerd": "-> /usr/bin/containerd",
        "etc/kubernetes/manifests/.keep": b"",
        "etc/systemd/system/systemd-binfmt.service": "-> /dev/null",
    }
    for unit in ("kubelet", "containerd", "undo-mount-hacks"):
        files[f"etc/systemd/system/multi-user.target.wants/{unit}.service"] = f"-> /etc/systemd/system/{unit}.service"
    return files | _kubernetes("usr/bin", [name for name in KUBERNETES if name not in CONTROL_PLANE])


def base_tag(purpose: str) -> str:
    """The tag that `base_image` gives the base image for `purpose`."""
    return f"workbook-{purpose}:{filesystem_key(purpose)}"


def base_image(engine: "DockerClient", purpose: str) -> str:
    """Build a base image from Debian's packages if `engine` does not have it.

    The image trusts the same certificate authorities as this machine, so a build behind a proxy that inspects TLS
    can install packages. Any engine works, including the one inside minikube's node.

    Args:
        engine: the engine that gets the image.
        purpose: `"python"`, `"jdk"` (to compile and link Java), or `"debian"` (only the system).

    Returns:
        The image's tag in `engine`.

    Raises:
        WorkbookError: see `filesystem`.
    """
    tag = base_tag(purpose)
    if engine.images.list(tag):
        return tag
    python = [f"PIP_CERT={CERTIFICATES}", "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1"]
    root = filesystem(purpose)
    with step(f"Make the base image for {purpose}"), tempfile.TemporaryDirectory(dir=folder()) as scratch:
        archive = Path(scratch, "image.tar")
        write_images(archive, Image(tag, [root], env=python if purpose == "python" else []))
        with archive.open("rb") as content:
            engine.images.load(content)
    remove_older(engine, tag)
    return tag
