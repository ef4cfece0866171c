"""environment.yml and pyproject.toml name the same packages with the same pins."""

import tomllib

import yaml

from workbook.paths import ROOT

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
