"""The library that the notebooks import: Python functions that return tables like kubectl's."""

# Each name is loaded on first use. This keeps `import workbook` quick, and set-up can use this package before its
# dependencies are installed. `__init__.pyi` lists the names, for type checkers and for this module.

# pyright: reportUnsupportedDunderAll=false
# `__all__` is computed here, from the names of the .pyi.

import ast
import sys
from importlib import import_module
from pathlib import Path

OLDEST = (3, 11)
"""The oldest supported Python. Other modules may use its syntax; this one must also load on older versions."""
if sys.version_info < OLDEST:
    sys.exit(
        "This is Python {}.{}; the workbook needs {}.{} or newer.\n".format(*sys.version_info[:2], *OLDEST)
        + "Do:  Install a newer Python and use it: `make lab PYTHON=python3.13`, or `py -3.13 -m workbook lab` on Windows.\n"
        + "     Or use conda: `conda env create -f environment.yml`."
    )

_MODULES = {
    alias.name: f"{__name__}.{statement.module}"
    for statement in ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body
    if isinstance(statement, ast.ImportFrom) and statement.level
    for alias in statement.names
}
__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    """Load a public name from its module: https://peps.python.org/pep-0562/."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def load_ipython_extension(ipython):
    """Add the line magics `%kubectl` and `%docker`, and report when a cell has run; `%load_ext workbook` calls this.

    Args:
        ipython: IPython's `InteractiveShell`.
    """
    from workbook.lessons import docker, kubectl, report  # not above: `import workbook` stays quick

    ipython.register_magic_function(kubectl.magic, "line", "kubectl")
    ipython.register_magic_function(docker.magic, "line", "docker")
    report.attach(ipython)


def unload_ipython_extension(ipython):
    """Report no longer; `%unload_ext workbook` and `%reload_ext workbook` call this. The magics stay.

    Args:
        ipython: IPython's `InteractiveShell`.
    """
    from workbook.lessons import report  # as above

    report.detach(ipython)
