"""What a release needs in the repository: one version, a changelog in its form, and a citation that fits."""

import re
import subprocess
import tomllib

import pytest
import yaml
from packaging.version import Version

from workbook.base.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SECTIONS = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_version_is_in_one_file():
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the workbook is no clone")
    pattern = rf"^\s*[\"']?version[\"']?\s*[:=]\s*[\"']?{re.escape(PROJECT['version'])}"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    texts = (name for name in names.split("\0") if name.endswith((".cff", ".toml", ".py", ".yml", ".json", ".md")))
    assert [name for name in texts if re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)] == [
        "pyproject.toml"
    ]


def test_the_changelog_begins_with_what_is_unreleased_then_the_newest_version():
    assert SECTIONS[0] == "[Unreleased]"
    released = [re.fullmatch(r"\[(.+)\] - \d{4}-\d\d-\d\d", title)[1] for title in SECTIONS[1:]]
    assert released == sorted(released, key=Version, reverse=True)
    assert not released or Version(released[0]) <= Version(PROJECT["version"])


def test_the_citation_fits_the_project():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()  # required by the format
    assert citation["license"] == PROJECT["license"]
