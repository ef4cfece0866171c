"""A Python environment with the workbook's packages: the active one if it has them, otherwise the workbook's own.

The files in locks/ pin the packages, with hashes. The workbook itself is not installed: `link` makes it importable from
its folder.
"""

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import time
import tomllib
import venv
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.paths import ROOT, home, locks
from workbook.base.processes import read

VENV = ROOT / ".venv"
PTH = "utf-8" if sys.version_info >= (3, 13) else "locale"  # the encoding in which Python reads a .pth file
NETWORK = {
    *("cert", "client-cert", "default-timeout", "extra-index-url", "find-links", "index-url", "keyring-provider"),
    *("no-index", "proxy", "retries", "timeout", "trusted-host", "use-feature", "cache-dir", "no-cache-dir"),
}
"""The settings of pip that control how to reach an index. A user's other settings could break the installation."""
READ_SETTINGS = """
import json
try:
    from pip._internal.configuration import Configuration
except ImportError:
    print("{}")
else:
    settings = Configuration(isolated=False)
    settings.load()
    print(json.dumps(dict(settings.items())))
"""
"""Prints the settings from pip's files and variables. `pip config list` omits files if one of them sets `user`."""
ONLINE = "Connect to a network. Behind a proxy, set HTTPS_PROXY (and PIP_CERT to its certificate). Then run this again."
OTHER_FILES = "Install from another index, for example with PIP_INDEX_URL: these files are not the tested ones."


def python(*extras: str, offline: Sequence[str] = ()) -> Path:
    """Return the interpreter that has the workbook's packages. If none has them, install them into `.venv`.

    Args:
        extras: names of optional dependencies in pyproject.toml. Those from earlier calls are kept.
        offline: options that make pip install without a network: see `Bundle.packages`.

    Raises:
        WorkbookError: the environment could not be created, or a package could not be installed.
        PermissionError: a file or folder belongs to another user; the command line explains it.
    """
    if interpreter := found(*extras):
        return interpreter
    try:
        with lock(home() / "packages.lock", "installing Python packages", patience=600):
            _install(extras, offline)
    except PermissionError:
        raise
    except (OSError, ValueError, subprocess.CalledProcessError) as error:  # ValueError: a path that venv refuses
        fix = f"Move this folder and {home()} to a disk with free space, and to paths without `{os.pathsep}`"
        if not find_spec("ensurepip"):
            fix = "Install `python3-venv`"  # Debian and Ubuntu ship ensurepip in it
        elif isinstance(error, subprocess.CalledProcessError):
            fix = "Use another Python: `python3.13 -m workbook …`, or `py -3.13 -m workbook …` on Windows"
        evidence = (getattr(error, "output", None) or b"").decode(errors="replace")  # from the failed program
        what = f"The Python environment {VENV} could not be created."
        raise WorkbookError(what, f"{error}\n{_end_of(evidence)}".strip(), f"{fix}; then run this again.") from error
    return _own()


def found(*extras: str) -> Path | None:
    """Return the interpreter that already has the workbook's packages and these `extras`, if any; install nothing."""
    checksum, *installed = _stamp()
    if checksum == _wanted() and {*extras} <= {*installed} and not broken():
        return _own()
    if _is_active() and Path(sys.prefix) != VENV and _has(requirements(*extras)):
        return Path(sys.executable)
    return None


def broken() -> str:
    """Return why the workbook's own environment no longer works; empty if it works, or was never complete.

    It breaks when its Python is upgraded, moved, or replaced by one for another processor.
    """
    return _trial("psutil") if _stamp_file().exists() else ""  # a compiled package: it needs exactly this Python


def is_this(interpreter: Path) -> bool:
    """Whether this process runs in the environment of `interpreter`."""
    return Path(sys.prefix).resolve() == interpreter.parent.parent.resolve() or interpreter == Path(sys.executable)


def import_path() -> dict[str, str]:
    """Return the variable with which Python finds this package, and `tests` and `bench` next to it, from any folder."""
    folders = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder not in ("", str(ROOT))]
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), *folders])}


def link() -> None:
    """Make the workbook importable for all programs in this environment, such as a kernel that an editor starts.

    If the environment is read-only, only programs that the workbook itself starts can import it: see `import_path`.

    Documentation: https://docs.python.org/3/library/site.html
    """
    path, line = _link(), f"{ROOT}\n"
    with suppress(OSError, UnicodeError):
        if not path.exists() or path.read_text(PTH, errors="replace") != line:
            path.write_text(line, PTH)
            if Path(sys.prefix) != VENV:  # `clean` removes VENV as a whole
                home().mkdir(parents=True, exist_ok=True)
                with _note().open("a", encoding="utf-8") as note:
                    note.write(f"{path}\n")


def links() -> list[Path]:
    """Return the files that `link` has written for this folder into environments other than the workbook's own."""
    noted = _note().read_text(encoding="utf-8").splitlines() if _note().exists() else []
    found = (path for path in {_link(), *map(Path, noted)} if path.exists() and VENV not in path.parents)
    return sorted(path for path in found if path.read_text(PTH, errors="replace").strip() == str(ROOT))


def requirements(*extras: str) -> list[str]:
    """Return the requirements in pyproject.toml, with the optional dependencies of these names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    return [*project["dependencies"], *(requirement for extra in extras for requirement in optional[extra])]


def pip_settings(interpreter: Path) -> dict[str, str]:
    """Return the variables that reset pip's settings to the defaults, except for the user's settings in `NETWORK`.

    Args:
        interpreter: the interpreter whose pip reads the user's settings.

    Raises:
        CommandFailed: pip cannot read them.

    Documentation: https://pip.pypa.io/en/stable/topics/configuration/
    """
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}  # each overrides the one before
    for key, value in json.loads(read([interpreter, "-I", "-c", READ_SETTINGS], timeout=60)).items():
        # Newer versions of pip have a section for each file.
        entries = value if isinstance(value, dict) else {key: value}
        for key, value in entries.items():
            section, _, name = key.rpartition(".")
            if name in NETWORK and section in sections:
                sections[section][f"PIP_{name.upper().replace('-', '_')}"] = value
    return _pip_defaults() | sections["global"] | sections["install"] | sections[":env:"]


def _pip_defaults() -> dict[str, str]:
    """The variables that make pip ignore all settings: empty variables count as unset, and no file is read."""
    return {name: "" for name in os.environ if name.startswith("PIP_")} | {"PIP_CONFIG_FILE": os.devnull}


def _install(extras: Sequence[str], offline: Sequence[str]) -> None:
    begun = time.monotonic()
    print(f"· Install the Python packages into {VENV.relative_to(ROOT)} …", flush=True)
    extras = sorted({*_stamp()[1:], *extras})
    unusable = broken() or _trial("pip")
    _stamp_file().unlink(missing_ok=True)
    if unusable:
        venv.create(VENV, with_pip=True, clear=True, symlinks=os.name != "nt")  # a copy may not find its libraries
    settings = _pip_defaults() if offline else pip_settings(_own())
    quiet = ["--disable-pip-version-check", "--quiet", "--progress-bar=on"]
    pinned = ["--require-hashes", *(f"--requirement={path}" for path in locks(*extras))]
    command = [str(_own()), "-I", "-m", "pip", "install", *quiet, *offline, *pinned]
    shown = None if sys.stdout.isatty() else subprocess.DEVNULL
    done = subprocess.run(
        command, env=os.environ | settings, stdout=shown, stderr=subprocess.PIPE, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        fix = "Verify the bundle and copy it again." if offline else ONLINE
        if "DO NOT MATCH THE HASHES" in done.stderr and not offline:
            fix = OTHER_FILES
        raise WorkbookError("The Python packages could not be installed.", _end_of(done.stderr), fix)
    _stamp_file().write_text(" ".join([_wanted(), *extras]), encoding="utf-8")
    print(f"✓ Install the Python packages ({time.monotonic() - begun:.1f} s)", flush=True)


def _own() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _trial(package: str) -> str:
    """Import a package in the workbook's own environment; return why that fails, or ""."""
    command = [str(_own()), "-I", "-c", f"import {package}"]
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    except subprocess.CalledProcessError as error:
        return _end_of(error.stderr.decode(errors="replace"), lines=1) or str(error)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return ""


def _end_of(output: str, lines: int = 10) -> str:
    return "\n".join(output.strip().splitlines()[-lines:])


def _stamp_file() -> Path:
    return VENV / "workbook.installed"


def _stamp() -> list[str]:
    """The record of what was installed into `VENV`: the checksum of the lock files, then optional dependencies."""
    return _stamp_file().read_text(encoding="utf-8").split(" ") if _stamp_file().exists() and _own().exists() else [""]


def _wanted() -> str:
    """The checksum of the current lock files."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted((ROOT / "locks").glob("*.txt")))).hexdigest()


def _link() -> Path:
    """The path of a file whose folders Python adds to its search path for modules."""
    return Path(sysconfig.get_path("purelib"), "kubernetes-workbook.pth")


def _note() -> Path:
    """The list of the files that `link` has written into other environments."""
    return home() / "linked"


def _is_active() -> bool:
    """Whether this Python runs in a virtual environment: from venv or virtualenv, or from conda."""
    return sys.prefix != sys.base_prefix or Path(os.environ.get("CONDA_PREFIX", "")) == Path(sys.prefix)


def _has(wanted: list[str]) -> bool:
    """Whether this interpreter has all packages in suitable versions, as pip decides without a network."""
    check = ["pip", "install", "--dry-run", "--no-index", "--no-deps", "--quiet", *wanted]
    done = subprocess.run([sys.executable, "-I", "-m", *check], env=os.environ | _pip_defaults(), capture_output=True)
    return done.returncode == 0
