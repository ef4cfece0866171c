"""Debian file systems, made from packages by mmdebstrap where no image can be pulled."""

import shutil
from pathlib import Path

from node.cache import VERSIONS, digest, made
from workbook.base import apt as packages
from workbook.base.errors import WorkbookError
from workbook.base.processes import run
from workbook.base.steps import step

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

PACKAGES = {
    "node": [
        "systemd",
        "systemd-sysv",
        "dbus",
        "conntrack",
        "iptables",
        "nftables",
        "iproute2",
        "ethtool",
        "util-linux",
        "mount",
        "kmod",
        "jq",
        "procps",
        "containerd",
        "runc",
        "containernetworking-plugins",
        "ca-certificates",
        "socat",
        "e2fsprogs",
    ],
    "kube-proxy": ["iptables", "conntrack", "kmod"],
    "python": ["python3", "python3-pip", "python-is-python3", "ca-certificates"],
    "jdk": ["openjdk-17-jdk-headless", "ca-certificates"],
    "debian": ["ca-certificates"],
}
# Stands in for usrmerge, which mmdebstrap takes first, and all of perl with it.
COMMON = ["usr-is-merged"]
# Documentation and translations are a third of a small system, and no container reads them.
DIET = [
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/info/*",
    "force-unsafe-io",  # what is interrupted is made again, so nothing needs to reach the disk at once
]
# Java's packages link their manuals into this folder, and fail without it.
MANUALS = 'mkdir -p "$1"/usr/share/man/man1'


def filesystem(purpose: str) -> Path:
    """A tar of a Debian file system for one of `PACKAGES`.

    Raises:
        WorkbookError: this is no Debian or Ubuntu, not root, or the package archive is out of reach.
    """

    def build(folder: Path) -> None:
        _install_mmdebstrap()
        with step(f"Make the file system for {purpose}") as running:
            hooks = [f"--customize-hook={command}" for command in _customizing(purpose)]
            run(
                [
                    "mmdebstrap",
                    "--variant=minbase",
                    f"--include={','.join(COMMON + PACKAGES[purpose])}",
                    *(f"--dpkgopt={line}" for line in DIET),
                    '--aptopt=APT::Install-Recommends "false"',
                    f"--essential-hook={MANUALS}",
                    *hooks,
                    VERSIONS["debian"],
                    str(folder / "root.tar"),
                ],
                timeout=900,
                on_line=running.update,
            )

    return made(f"filesystem-{purpose}", filesystem_key(purpose), build) / "root.tar"


def filesystem_key(purpose: str) -> str:
    """The hash of what `filesystem` makes that file system from."""
    return digest(
        VERSIONS["debian"],
        *COMMON,
        *PACKAGES[purpose],
        *DIET,
        *_customizing(purpose),
        CERTIFICATES if CERTIFICATES.exists() else "",
    )


def _customizing(purpose: str) -> list[str]:
    """What is done to the file system after its packages are installed; `$1` is its folder."""
    commands = [
        # usrmerge, and what only it needed.
        'chroot "$1" sh -c \'dpkg --purge $(dpkg-query --show --showformat="\\${Package} "'
        ' usrmerge perl "perl-modules*" "lib*perl*")\'',
        'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/log/*',
    ]
    if "ca-certificates" in PACKAGES[purpose] and CERTIFICATES.exists():
        # This machine's own authorities: a proxy that opens TLS is trusted in containers as it is here.
        commands.append(f'cp {CERTIFICATES} "$1"{CERTIFICATES}')
    if purpose == "node":
        # As in kind's own image: only what a node needs is started.
        commands.append(
            'cd "$1"/lib/systemd/system && rm -f multi-user.target.wants/* local-fs.target.wants/* basic.target.wants/*'
            " sockets.target.wants/*udev* sockets.target.wants/*initctl* sysinit.target.wants/systemd-tmpfiles-setup.service"
            ' && rm -f "$1"/etc/systemd/system/*.wants/* && echo ReadKMsg=no >> "$1"/etc/systemd/journald.conf'
        )
        # What containerd gives every container, without limits: not every machine lets a container raise them.
        commands.append(
            'mkdir -p "$1"/etc/containerd && chroot "$1" ctr oci spec | jq "del(.process.rlimits)"'
            ' > "$1"/etc/containerd/cri-base.json'
        )
    if purpose == "python":
        # Debian guards its Python against pip; in a container there is nothing else to protect.
        commands.append('rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED')
    return commands


def _install_mmdebstrap() -> None:
    if shutil.which("mmdebstrap") and shutil.which("jq"):
        return
    if not shutil.which("apt-get"):
        raise WorkbookError(
            "No image can be pulled here, and building one needs Debian or Ubuntu.",
            fix="Connect to a network with an image registry, or carry the images over from a machine that has one.",
        )
    packages.install(
        ["mmdebstrap", "debian-archive-keyring", "jq"],
        "Building images needs root: run this with sudo once, or use a network with an image registry.",
    )
