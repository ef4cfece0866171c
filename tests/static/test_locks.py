"""The lock files fit the ranges in pyproject.toml, and are complete on every system and Python that the workbook supports.

Whether the index has a wheel of each package for each system, `python -m tests lock` asks the index.
"""

import re
from functools import cache
from importlib import metadata
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.lock import PYTHONS, SYSTEMS, ranges
from workbook.base.paths import ROOT

MARKERS = {
    "Windows": ("nt", "win32", "Windows", "AMD64"),
    "macOS on Intel": ("posix", "darwin", "Darwin", "x86_64"),
    "macOS on Apple silicon": ("posix", "darwin", "Darwin", "arm64"),
    "Linux on x86-64": ("posix", "linux", "Linux", "x86_64"),
    "Linux on Arm": ("posix", "linux", "Linux", "aarch64"),
}
"""Python's values for each system: os_name, sys_platform, platform_system, platform_machine."""
Pins = dict[str, Requirement]


def environment(system: str, version: str) -> dict[str, str]:
    """The values that a requirement's marker is compared with: https://packaging.python.org/specifications/dependency-specifiers."""
    python = {"implementation_name": "cpython", "platform_python_implementation": "CPython", "python_version": version}
    names = ("os_name", "sys_platform", "platform_system", "platform_machine")
    return python | {"python_full_version": f"{version}.1"} | dict(zip(names, MARKERS[system], strict=True))


@cache
def lines(path: Path) -> list[tuple[Requirement, list[str]]]:
    """The versions that a lock file pins, with their hashes."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    split = (re.split(r"\s+--hash=", line) for line in text.splitlines() if not line.startswith("#"))
    return [(Requirement(requirement), hashes) for requirement, *hashes in split]


def pins(path: Path, where: dict[str, str]) -> Pins:
    """What a lock file pins on a system, by package."""
    chosen = [
        requirement for requirement, _ in lines(path) if not requirement.marker or requirement.marker.evaluate(where)
    ]
    found = {canonicalize_name(each.name): each for each in chosen}
    assert len(found) == len(chosen), "a package is pinned twice"
    return found


@cache
def needs(package: str, version: str) -> list[Requirement]:
    """The requirements of a package; empty if this version of it is not installed here."""
    try:
        installed = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return []
    return [Requirement(text) for text in installed.requires or []] if installed.version == version else []


def missing(wanted: list[str], pinned: Pins, where: dict[str, str]) -> tuple[list[str], set[str]]:
    """The requirements that pins do not meet, and the checked packages."""
    wrong, seen = [], set()
    queue = [Requirement(text) for text in wanted]
    for requirement in queue:  # grows
        name = canonicalize_name(requirement.name)
        pin = pinned.get(name)
        version = str(pin.specifier).removeprefix("==") if pin else ""
        # Without the extras in the pin, pip 23 takes the newest version, and refuses it, since it has no hash.
        if not pin or not requirement.specifier.contains(version, prereleases=True) or requirement.extras - pin.extras:
            wrong.append(f"{requirement}: pinned is {pin}")
        elif (key := f"{name}{sorted(requirement.extras)}") not in seen:
            seen.add(key)
            for each in needs(name, version):
                if not each.marker or any(
                    each.marker.evaluate(where | {"extra": extra}) for extra in ("", *requirement.extras)
                ):
                    queue.append(each)
    return wrong, {key.partition("[")[0] for key in seen}


@pytest.mark.parametrize(("system", "version"), [*product(SYSTEMS, PYTHONS)])
def test_the_locks_are_complete(system, version):
    where = environment(system, version)
    for path, wanted in ranges().items():
        wrong, seen = missing(wanted, pins(path, where), where)
        assert wrong == [], path.name
        if path.stem == "learner":
            assert {"jupyterlab", "traitlets", "numpy"} <= seen
            assert ("pywinpty" in seen) == ("colorama" in seen) == (system == "Windows")
            assert ("appnope" in seen) == system.startswith("macOS")


@pytest.mark.parametrize(("system", "version"), [*product(SYSTEMS, PYTHONS)])
def test_files_that_are_installed_together_agree(system, version):
    where, seen = environment(system, version), {}
    for path in ranges():
        for package, pinned in pins(path, where).items():
            assert seen.setdefault(package, pinned.specifier) == pinned.specifier, f"{package} in {path.name}"


@pytest.mark.parametrize("path", ranges(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_lock_file_has_exact_versions_and_hashes_and_names_no_index(path):
    for requirement, hashes in lines(path):
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)) and not requirement.url, requirement
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement


def test_each_lock_file_has_a_range():
    assert {*ROOT.glob("locks/*"), *ROOT.glob("app/*/requirements.txt")} == ranges().keys()


@pytest.mark.parametrize(
    ("wanted", "wrong"),
    [
        (["jupyterlab"], []),
        (["jupyterlab>=99"], ["jupyterlab"]),
        (["a-package-that-is-not-pinned"], ["a-package-that-is-not-pinned"]),
        (["jupyterlab", "traitlets<1"], ["traitlets"]),
        (["jsonschema[format-nongpl]"], []),
        (["jsonschema[format]"], ["jsonschema"]),
    ],
)
def test_what_counts_as_missing(wanted, wrong):
    where = environment("Windows", "3.13")
    found, _ = missing(wanted, pins(ROOT / "locks/learner.txt", where), where)
    assert [Requirement(text.partition(":")[0]).name for text in found] == wrong


def test_a_package_that_only_one_system_needs_is_missed():
    where = environment("Windows", "3.13")
    pinned = pins(ROOT / "locks/learner.txt", where)
    del pinned["colorama"]
    wrong, _ = missing(["ipython"], pinned, where)
    assert wrong and all(text.startswith("colorama") for text in wrong)
