"""Load a program that is in no package, such as a conftest.py or a script in another folder."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


def load(path: Path, name: str = "") -> ModuleType:
    """Run a Python file as a module that can't be imported elsewhere, and return it.

    Args:
        path: the file.
        name: the module's name; that of the file when empty.
    """
    spec = spec_from_file_location(name or path.stem, path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
