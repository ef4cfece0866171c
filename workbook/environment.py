"""A Python environment with the workbook's packages: the active one where it has them, else one of its own.

Only the standard library is used here: this runs before any package is installed.
"""

import hashlib
import os
import subprocess
import sys
import time
import tomllib
import venv
from pathlib import Path

from workbook import bundle
from workbook.errors import WorkbookError
from workbook.lock import lock
from workbook.paths import HOME, ROOT

VENV = ROOT / ".venv"
STAMP = VENV / "workbook.installed"
OLDEST = (3, 11)
ONLINE = "Behind a proxy, set HTTPS_PROXY (and PIP_CERT to its certificate); then run this again."


def python(extra: str = "") -> Path:
    """The interpreter that has the workbook's packages; installs them into `.venv` where no other has them.

    Args:
        extra: the name of packages that only some verbs need, as in pyproject.toml's optional dependencies.

    Raises:
        WorkbookError: Python is too old, or a package could not be installed.
    """
    if sys.version_info < OLDEST:
        raise WorkbookError(
            f"This is Python {sys.version.split()[0]}; the workbook needs {OLDEST[0]}.{OLDEST[1]} or newer.",
            fix="Install a newer Python, or use conda: `conda env create -f environment.yml`.",
        )
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    own = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    there = STAMP.read_text().split() if STAMP.exists() and own.exists() else []
    if there[:1] == [wanted] and (not extra or extra in there):
        return own
    active = sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ
    if active and Path(sys.prefix) != VENV and _complete(requirements(extra)):
        return Path(sys.executable)
    with lock(HOME / "packages.lock", "installing Python packages"):
        begun = time.monotonic()
        print(f"· Install the Python packages into {VENV.relative_to(ROOT)} …", flush=True)
        extras = sorted({*there[1:], extra} - {""})  # those that an earlier verb has asked for stay
        told = f"[{','.join(extras)}]" if extras else ""
        STAMP.unlink(missing_ok=True)
        venv.create(VENV, with_pip=True, clear=not own.exists())
        offline = chosen.packages if (chosen := bundle.chosen()) else []
        fix = "Verify the bundle and copy it again." if offline else ONLINE
        _pip(own, fix, "install", "--quiet", "--progress-bar=on", *offline, "--editable", f"{ROOT}{told}")
        STAMP.write_text(" ".join([wanted, *extras]))
        print(f"✓ Install the Python packages ({time.monotonic() - begun:.1f} s)", flush=True)
    return own


def is_this(interpreter: Path) -> bool:
    """Whether this process runs in the environment of `interpreter`."""
    return Path(sys.prefix).resolve() == interpreter.parent.parent.resolve() or interpreter == Path(sys.executable)


def requirements(extra: str = "") -> list[str]:
    """What pyproject.toml asks for, and what the optional dependencies of that name ask for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])


def _complete(wanted: list[str]) -> bool:
    """Whether this interpreter has all packages in versions that suit; pip itself judges, without a network."""
    return not subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-deps", "--quiet", *wanted],
        capture_output=True,
    ).returncode


def _pip(interpreter: Path, fix: str, *args: str) -> None:
    done = subprocess.run(
        [interpreter, "-m", "pip", "--disable-pip-version-check", *args],
        stdout=None if sys.stdout.isatty() else subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise WorkbookError(
            "The Python packages could not be installed.",
            "\n".join(done.stderr.strip().splitlines()[-10:]),
            fix,
        )
