"""A Python environment with the workbook's packages: the active one where it has them, else one of its own."""

import hashlib
import os
import subprocess
import sys
import time
import tomllib
import venv
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.paths import ROOT, home

VENV = ROOT / ".venv"
ONLINE = "Behind a proxy, set HTTPS_PROXY (and PIP_CERT to its certificate); then run this again."


def python(*extras: str, offline: Sequence[str] = ()) -> Path:
    """Return the interpreter that has the workbook's packages. Install them into `.venv` where no other has them.

    Args:
        extras: names of optional dependencies in pyproject.toml. What an earlier call has installed is kept.
        offline: options that make pip install without a network: see `Bundle.packages`.

    Raises:
        WorkbookError: the environment could not be created, or a package could not be installed.
    """
    if interpreter := found(*extras):
        return interpreter
    try:
        with lock(home() / "packages.lock", "installing Python packages", patience=600):
            _install(extras, offline)
    except (OSError, subprocess.CalledProcessError) as error:
        fix = f"Make {VENV} and {home()} writable for your user"
        if not find_spec("ensurepip"):
            fix = "Install `python3-venv`"  # Debian and Ubuntu ship ensurepip in it
        what = f"The Python environment {VENV} could not be created."
        raise WorkbookError(what, str(error), f"{fix}; then run this again.") from error
    return _own()


def found(*extras: str) -> Path | None:
    """Return the interpreter that has the workbook's packages and these `extras` already. Installs nothing."""
    checksum, *installed = _stamp()
    if checksum == _wanted() and {*extras} <= {*installed}:
        return _own()
    active = sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ
    if active and Path(sys.prefix) != VENV and _has(requirements(*extras)):
        return Path(sys.executable)
    return None


def is_this(interpreter: Path) -> bool:
    """Whether this process runs in the environment of `interpreter`."""
    return Path(sys.prefix).resolve() == interpreter.parent.parent.resolve() or interpreter == Path(sys.executable)


def import_path() -> dict[str, str]:
    """Return the variable with which Python finds this package, and `tests` and `bench` next to it, from any folder."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def requirements(*extras: str) -> list[str]:
    """Return what pyproject.toml requires, with the optional dependencies of these names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    return [*project["dependencies"], *(requirement for extra in extras for requirement in optional[extra])]


def _install(extras: Sequence[str], offline: Sequence[str]) -> None:
    begun = time.monotonic()
    print(f"· Install the Python packages into {VENV.relative_to(ROOT)} …", flush=True)
    extras = sorted({*_stamp()[1:], *extras})
    _stamp_file().unlink(missing_ok=True)
    venv.create(VENV, with_pip=True, clear=not _own().exists())
    target = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    quiet = ["--disable-pip-version-check", "--quiet", "--progress-bar=on"]
    command = [str(_own()), "-m", "pip", "install", *quiet, *offline, "--editable", target]
    shown = None if sys.stdout.isatty() else subprocess.DEVNULL
    done = subprocess.run(command, stdout=shown, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        why = "\n".join(done.stderr.strip().splitlines()[-10:])
        fix = "Verify the bundle and copy it again." if offline else ONLINE
        raise WorkbookError("The Python packages could not be installed.", why, fix)
    _stamp_file().write_text(" ".join([_wanted(), *extras]))
    print(f"✓ Install the Python packages ({time.monotonic() - begun:.1f} s)", flush=True)


def _own() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _stamp_file() -> Path:
    return VENV / "workbook.installed"


def _stamp() -> list[str]:
    """What was installed into `VENV`: the checksum of pyproject.toml at that time, then optional dependencies."""
    return _stamp_file().read_text().split(" ") if _stamp_file().exists() and _own().exists() else [""]


def _wanted() -> str:
    """The checksum of pyproject.toml as it is now."""
    return hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()


def _has(wanted: list[str]) -> bool:
    """Whether this interpreter has all packages in suitable versions. pip judges, without a network."""
    check = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-deps", "--quiet", *wanted]
    return subprocess.run(check, capture_output=True).returncode == 0
