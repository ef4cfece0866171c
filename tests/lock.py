"""`python -m tests lock`: pin all packages, with hashes, for all systems and versions of Python that the workbook supports."""

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from workbook.base.paths import ROOT

HEADER = "# Pinned by `python -m tests lock`, from the ranges in pyproject.toml.\n"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = {
    "Windows": "x86_64-pc-windows-msvc",
    "macOS on Intel": "x86_64-apple-darwin",
    "macOS on Apple silicon": "aarch64-apple-darwin",
    "Linux on x86-64": "x86_64-unknown-linux-gnu",
    "Linux on Arm": "aarch64-unknown-linux-gnu",
}
"""The supported systems, by uv's names: https://docs.astral.sh/uv/reference/cli/#uv-pip-install--python-platform."""
HELD_BACK = (
    "argon2-cffi-bindings<26",  # newer ones have no wheel for macOS on Intel
    "cryptography<49",  # the same
    # JupyterLab loads newer ones for a second longer: https://github.com/python-jsonschema/jsonschema/issues/1428
    "jsonschema<4.25",
)
"""What all lock files need besides the ranges in pyproject.toml."""


def ranges() -> dict[Path, list[str]]:
    """Each lock file, and the requirements in pyproject.toml that it pins."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, folder = content["project"], ROOT / "locks"
    extras = {folder / f"{name}.txt": wanted for name, wanted in project["optional-dependencies"].items()}
    images = {ROOT / "app" / name / "requirements.txt": wanted for name, wanted in content["dependency-groups"].items()}
    return {folder / "learner.txt": project["dependencies"], **extras, **images}


def lock(*options: str) -> None:
    """Write the lock files; then see whether every supported system finds a wheel of each package.

    Args:
        options: `--check` writes nothing. `--upgrade` takes the newest versions, `--upgrade-package=NAME` that of a package;
            without them, the versions in the present files are kept where they fit.

    Documentation: https://docs.astral.sh/uv/pip/compile/
    """
    if options == ("--check",):
        return check()
    files = ranges()
    with tempfile.TemporaryDirectory() as scratch:
        # All at once, so that the files agree; then each with its own part of the result.
        everything = Path(scratch, "everything.txt")
        everything.write_text(
            "".join(path.read_text(encoding="utf-8") for path in files if path.exists()), encoding="utf-8"
        )
        _compile([*HELD_BACK, *chain(*files.values())], everything, *options)
        for path, wanted in files.items():
            path.unlink(missing_ok=True)
            _compile(wanted, path, "--generate-hashes", f"--constraint={everything}")
            path.write_text(HEADER + path.read_text(encoding="utf-8"), encoding="utf-8", newline="\n")
    check()


def check() -> None:
    """Resolve the lock files for each supported system and Python, as an installation of wheels alone would."""
    chosen = [f"--requirement={path}" for path in ranges()]
    wheels = ["--require-hashes", "--only-binary=:all:", "--dry-run", "--quiet"]
    with tempfile.TemporaryDirectory() as nowhere:
        for system, platform in SYSTEMS.items():
            for version in PYTHONS:
                place = [f"--python-platform={platform}", f"--python-version={version}", f"--target={nowhere}"]
                _uv("install", *wheels, *place, *chosen)
                print(f"✓ {system}, Python {version}", flush=True)


def _compile(wanted: Sequence[str], path: Path, *options: str) -> None:
    """Pin requirements, and all that they need, for every system at once, in as few versions as possible."""
    universal = ["--universal", f"--python-version={PYTHONS[0]}", "--fork-strategy=fewest"]
    plain = ["--quiet", "--no-header", "--no-annotate", "--no-strip-extras", f"--output-file={path}"]
    _uv("compile", *universal, *plain, *options, "-", input="\n".join(wanted))


def _uv(*words: str, input: str = "") -> None:
    subprocess.run(
        [sys.executable, "-m", "uv", "--no-config", "pip", *words],
        input=input,
        encoding="utf-8",
        check=True,
        stdout=subprocess.PIPE,
    )
