"""The packages: environment.yml and pyproject.toml name the same, and what a verb needs is installed when it asks."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.bundle import manifest
from workbook.machine import environment

CONDA_NAMES = {"docker": "docker-py", "kubernetes": "python-kubernetes", "matplotlib": "matplotlib-base"}
CONDA_ONLY = {"python", "pip", "make", "minikube", "kubernetes-client"}


def split(requirement: str) -> tuple[str, str]:
    """`pandas >=3,<4` → (pandas, >=3,<4)."""
    at = min((requirement.find(sign) for sign in "<>=!~ " if sign in requirement), default=len(requirement))
    return requirement[:at], requirement[at:].strip()


def test_the_pins_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pip = dict(map(split, project["dependencies"]))
    conda = dict(map(split, yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]))
    assert conda["python"] == project["requires-python"]
    assert {CONDA_NAMES.get(name, name): pin for name, pin in pip.items()} == {
        name: pin for name, pin in conda.items() if name not in CONDA_ONLY
    }


def test_a_learner_installs_no_tools_of_developers():
    names = {split(requirement)[0] for requirement in environment.requirements()}
    assert names.isdisjoint({"coverage", "mypy", "nbval", "pre-commit", "pyright", "pytest", "ruff", "yamllint"})
    tools = {split(requirement)[0] for requirement in environment.requirements("test", "dev")} - names
    assert tools >= {"coverage", "mypy", "nbval", "pre-commit", "pyright[nodejs]", "pytest", "ruff", "yamllint"}


def test_a_bundle_contains_optional_dependencies_that_exist():
    assert environment.requirements(*manifest.EXTRAS) != environment.requirements()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A workbook whose environment is created with an interpreter that only writes down pip's arguments; no other is active."""
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "caches"))
    monkeypatch.setattr(environment, "ROOT", root)
    monkeypatch.setattr(environment, "VENV", root / ".venv")
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    (root / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())

    def create(place, **options):
        python = place / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(f'#!/bin/sh\necho "$*" >> "{root}/pip"\n')
        python.chmod(0o755)

    monkeypatch.setattr(environment.venv, "create", create)
    return root


def installed(folder: Path) -> list[str]:
    """What pip was asked to install, in order: the folder's name is left out."""
    lines = (folder / "pip").read_text().splitlines()
    return [line.split()[-1].removeprefix(str(folder)) for line in lines]


def test_what_is_installed_is_not_installed_again(folder):
    assert environment.found() is None
    python = environment.python()
    assert environment.python() == environment.found() == python == folder / ".venv/bin/python"
    assert installed(folder) == [""]


def test_optional_dependencies_are_installed_when_a_verb_needs_them_and_are_kept(folder):
    environment.python()
    environment.python("handout")
    environment.python()
    environment.python("handout")
    assert installed(folder) == ["", "[handout]"]
    (folder / "pyproject.toml").write_text((folder / "pyproject.toml").read_text() + "# changed\n")
    environment.python()
    assert installed(folder) == ["", "[handout]", "[handout]"]
    environment.python("test", "dev")
    assert installed(folder)[-1] == "[dev,handout,test]"
    assert environment.found("test") == environment.found("handout", "dev") and environment.found("bench") is None


def test_pip_is_asked_to_install_without_a_network(folder):
    environment.python(offline=["--no-index", "--find-links", "/bundle/wheels"])
    assert f"--no-index --find-links /bundle/wheels --editable {folder}" in (folder / "pip").read_text()


def test_packages_that_cannot_be_installed(folder, monkeypatch):
    create = environment.venv.create

    def create_without_network(place, **options):
        create(place, **options)
        (place / "bin" / "python").write_text("#!/bin/sh\necho 'no route to host' >&2\nexit 1\n")

    monkeypatch.setattr(environment.venv, "create", create_without_network)
    with pytest.raises(WorkbookError, match=r"could not be installed(.|\n)*no route to host(.|\n)*HTTPS_PROXY"):
        environment.python()
    with pytest.raises(WorkbookError, match=r"Verify the bundle"):
        environment.python(offline=["--no-index"])
    assert environment.found() is None


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (PermissionError(13, "Permission denied", "/root/.venv"), "Permission denied: '/root/.venv'"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (subprocess.CalledProcessError(1, ["python", "-m", "ensurepip"]), "ensurepip"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_environment_that_cannot_be_created(folder, monkeypatch, problem, reason):
    def fail(place, **options):
        raise problem

    monkeypatch.setattr(environment.venv, "create", fail)
    with pytest.raises(WorkbookError, match=r"could not be created") as raised:
        environment.python()
    assert reason in raised.value.why and "writable" in raised.value.fix
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    with pytest.raises(WorkbookError) as raised:
        environment.python()
    assert "python3-venv" in raised.value.fix


def test_a_folder_that_cannot_be_written(folder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "file" / "caches"))
    with pytest.raises(WorkbookError, match=r"could not be created(.|\n)*file"):
        environment.python()


def test_an_active_environment_that_has_everything_is_used(folder, monkeypatch):
    monkeypatch.setenv("CONDA_PREFIX", sys.prefix)
    assert environment.found() == environment.python() == Path(sys.executable)
    assert not environment.VENV.exists()


def test_an_active_environment_without_a_package_is_not_used(folder, monkeypatch):
    monkeypatch.setenv("CONDA_PREFIX", sys.prefix)
    project = (folder / "pyproject.toml").read_text()
    (folder / "pyproject.toml").write_text(
        project.replace('"docker>=', '"a-package-that-does-not-exist>=1",\n    "docker>=')
    )
    assert environment.found() is None


def test_import_path_keeps_what_the_user_has_set(monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert environment.import_path() == {"PYTHONPATH": str(ROOT)}
    monkeypatch.setenv("PYTHONPATH", "/theirs")
    assert environment.import_path()["PYTHONPATH"].split(":") == [str(ROOT), "/theirs"]
