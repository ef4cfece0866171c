"""The packages: environment.yml and pyproject.toml name the same, and what a verb needs is installed when it asks."""

import sys
import tomllib

import pytest
import yaml

from workbook.base.paths import ROOT
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


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder for the environment in place of `.venv`; what pip is told to install is noted and not done."""
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "STAMP", tmp_path / ".venv" / "stamp")
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    asked = []

    def create(folder, **options):
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        (folder / "bin" / "python").touch()

    monkeypatch.setattr(environment.venv, "create", create)
    monkeypatch.setattr(
        environment, "_pip", lambda interpreter, fix, *words: asked.append(words[-1].removeprefix(str(tmp_path)))
    )
    return asked


def test_what_is_there_is_not_installed_again(installed):
    environment.python()
    environment.python()
    assert installed == [""]


def test_extra_packages_come_when_a_verb_asks_for_them_and_stay(installed, tmp_path):
    environment.python()
    environment.python("handout")
    environment.python()
    environment.python("handout")
    assert installed == ["", "[handout]"]
    (tmp_path / "pyproject.toml").write_text((tmp_path / "pyproject.toml").read_text() + "# changed\n")
    environment.python()
    assert installed == ["", "[handout]", "[handout]"]
