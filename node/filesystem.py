"""Debian file systems for images, which mmdebstrap builds from Debian's packages."""

import shutil
from pathlib import Path

from node.cache import digest, made
from node.versions import VERSIONS
from workbook.base import apt
from workbook.base.errors import WorkbookError
from workbook.base.processes import run
from workbook.base.steps import step

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

PACKAGES = {
    "node": [
        *("systemd", "systemd-sysv", "dbus"),
        *("conntrack", "iptables", "nftables", "iproute2", "ethtool"),
        *("util-linux", "mount", "kmod", "jq", "procps"),
        *("containerd", "runc", "containernetworking-plugins"),
        *("ca-certificates", "socat", "e2fsprogs"),
    ],
    "python": ["python3", "python3-pip", "python-is-python3", "ca-certificates"],
    "jdk": ["openjdk-17-jdk-headless", "ca-certificates"],
    "debian": ["ca-certificates"],
}
# Replaces usrmerge, which mmdebstrap would install first, together with all of perl.
COMMON = ["usr-is-merged"]
# Documentation and translations are a third of a small system, and no container reads them.
DPKG_OPTIONS = [
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/info/*",
    "force-unsafe-io",  # no sync to disk: an interrupted build starts over anyway
]
# Java's packages create links in this folder for their manuals, and fail without it.
MANUALS = 'mkdir -p "$1"/usr/share/man/man1'
CLEAN = [
    # Remove usrmerge, and perl, which only usrmerge needs.
    'chroot "$1" sh -c \'dpkg --purge $(dpkg-query --show --showformat="\\${Package} "'
    ' usrmerge perl "perl-modules*" "lib*perl*")\'',
    'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/log/*',
]
HOOKS = {
    "node": [
        # What no node needs: network plugins that its configuration doesn't name, containerd's older shims, character sets.
        'cd "$1"/usr/lib/cni && ls | grep -vxF -e bridge -e firewall -e host-local -e loopback -e portmap | xargs rm'
        ' && cd "$1"/usr/bin && rm -f containerd-stress containerd-shim containerd-shim-runc-v1'
        ' && rm -rf "$1"/usr/lib/*/gconv',
        # Only start the units that a node needs, as in kind's own image.
        'cd "$1"/lib/systemd/system && rm -f multi-user.target.wants/* local-fs.target.wants/* basic.target.wants/*'
        " sockets.target.wants/*udev* sockets.target.wants/*initctl* sysinit.target.wants/systemd-tmpfiles-setup.service"
        ' && rm -f "$1"/etc/systemd/system/*.wants/* && echo ReadKMsg=no >> "$1"/etc/systemd/journald.conf',
        # containerd's default container settings without resource limits: some machines don't let containers raise them.
        'mkdir -p "$1"/etc/containerd && chroot "$1" ctr oci spec | jq "del(.process.rlimits)"'
        ' > "$1"/etc/containerd/cri-base.json',
    ],
    # Debian does not allow pip to change its Python. A container has no other programs that need protection.
    "python": ['rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED'],
}


def filesystem(purpose: str) -> Path:
    """A tar file of a Debian file system; builds it if it is not in the cache.

    Args:
        purpose: a key of `PACKAGES`.

    Raises:
        WorkbookError: this is not Debian or Ubuntu, the user is not root, or Debian's packages cannot be downloaded.

    Documentation: https://manpages.debian.org/mmdebstrap.1
    """

    def build(target: Path) -> None:
        _install_mmdebstrap()
        options = [
            "--variant=minbase",
            f"--include={','.join(COMMON + PACKAGES[purpose])}",
            *(f"--dpkgopt={line}" for line in DPKG_OPTIONS),
            '--aptopt=APT::Install-Recommends "false"',
            f"--essential-hook={MANUALS}",
            *(f"--customize-hook={command}" for command in _hooks(purpose)),
        ]
        with step(f"Make the file system for {purpose}") as running:
            archive = str(target / "root.tar")
            run(["mmdebstrap", *options, VERSIONS["debian"], archive], timeout=900, on_line=running.update)

    return made(f"filesystem-{purpose}", filesystem_key(purpose), build) / "root.tar"


def filesystem_key(purpose: str) -> str:
    """The hash of everything that determines the file system for `purpose`."""
    certificates = CERTIFICATES if CERTIFICATES.exists() else ""
    lines = (*COMMON, *PACKAGES[purpose], *DPKG_OPTIONS, *_hooks(purpose))
    return digest(VERSIONS["debian"], *lines, certificates)


def _hooks(purpose: str) -> list[str]:
    """The shell commands that run after the packages are installed; `$1` is the folder of the file system."""
    # Containers trust the same certificate authorities as this machine, including a proxy's that inspects TLS.
    trust = "ca-certificates" in PACKAGES[purpose] and CERTIFICATES.exists()
    return [*CLEAN, *([f'cp {CERTIFICATES} "$1"{CERTIFICATES}'] if trust else []), *HOOKS.get(purpose, [])]


def _install_mmdebstrap() -> None:
    if shutil.which("mmdebstrap") and shutil.which("jq"):
        return
    if not shutil.which("apt-get"):
        raise WorkbookError(
            "No image can be pulled, and images can only be built on Debian or Ubuntu.",
            fix="Connect to a network with an image registry, or copy the images from a machine that has them.",
        )
    apt.install(
        ["mmdebstrap", "debian-archive-keyring", "jq"],
        "Building images needs root: run this with sudo once, or use a network with an image registry.",
    )
