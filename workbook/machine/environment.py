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

from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.paths import ROOT, home
from workbook.bundle import choose as bundle

VENV = ROOT / ".venv"
STAMP = VENV / "workbook.installed"
ONLINE = "Behind a proxy, set HTTPS_PROXY (and PIP_CERT to its certificate); then run this again."


def python(extra: str = "") -> Path:
    """The interpreter that has the workbook's packages; installs them into `.venv` where no other has them.

    Args:
        extra: the name of packages that only some verbs need, as in pyproject.toml's optional dependencies.

    Raises:
        WorkbookError: a package could not be installed.
    """
    if bundle.chosen():
        extra = ""  # a bundle brings what a class needs, and no more
    if there := found(extra):
        return there
    own = _own()
    with lock(home() / "packages.lock", "installing Python packages", patience=600):
        begun = time.monotonic()
        print(f"· Install the Python packages into {VENV.relative_to(ROOT)} …", flush=True)
        extras = sorted({*_stamp()[1:], extra} - {""})  # those that an earlier verb has asked for stay
        told = f"[{','.join(extras)}]" if extras else ""
        STAMP.unlink(missing_ok=True)
        venv.create(VENV, with_pip=True, clear=not own.exists())
        offline = chosen.packages if (chosen := bundle.chosen()) else []
        fix = "Verify the bundle and copy it again." if offline else ONLINE
        _pip(own, fix, "install", "--quiet", "--progress-bar=on", *offline, "--editable", f"{ROOT}{told}")
        STAMP.write_text(" ".join([_wanted(), *extras]))
        print(f"✓ Install the Python packages ({time.monotonic() - begun:.1f} s)", flush=True)
    return own


def found(extra: str = "") -> Path | None:
    """The interpreter that has the workbook's packages already, None where none has; installs nothing.

    Args:
        extra: as in `python`.
    """
    there = _stamp()
    if there[:1] == [_wanted()] and (not extra or extra in there):
        return _own()
    active = sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ
    if active and Path(sys.prefix) != VENV and _complete(requirements(extra)):
        return Path(sys.executable)
    return None


def _own() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _wanted() -> str:
    """What `STAMP` begins with when the packages are those that pyproject.toml asks for now."""
    return hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()


def _stamp() -> list[str]:
    """What was installed into `VENV`: for which pyproject.toml, and which optional dependencies."""
    return STAMP.read_text().split() if STAMP.exists() and _own().exists() else []


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
