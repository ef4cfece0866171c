"""The names that notebooks import: documented, typed, and quick to import."""

import inspect
import subprocess
import sys
from types import ModuleType

import pytest

import workbook
from workbook.base.paths import ROOT


@pytest.mark.parametrize("name", workbook.__all__)
def test_every_public_name_is_what_a_notebook_calls(name):
    function = getattr(workbook, name)
    assert callable(function)
    assert not isinstance(function, ModuleType), "a module hides the function"
    assert function.__doc__, "it has no docstring"


@pytest.mark.parametrize("name", workbook.__all__)
def test_every_parameter_and_result_has_a_type(name):
    signature = inspect.signature(getattr(workbook, name))
    assert [item.name for item in signature.parameters.values() if item.annotation is item.empty] == []
    assert signature.return_annotation is not signature.empty


def test_dir_lists_the_public_names_for_completion():
    assert set(workbook.__all__) | {"load_ipython_extension", "unload_ipython_extension"} <= set(dir(workbook))


def test_another_name_is_refused_as_by_any_module():
    with pytest.raises(AttributeError, match="module 'workbook' has no attribute 'pod'"):
        workbook.pod  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'pod' from 'workbook'"):
        exec("from workbook import pod")


def run(program: str) -> list[str]:
    """Run a Python program in a separate process; return the words that it prints."""
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", check=True
    ).stdout.split()


def loaded_by(statement: str) -> set[str]:
    """The packages, outside of the workbook, that an import loads."""
    program = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    return {name.partition(".")[0] for name in run(program)} - {"workbook"}


def test_importing_the_workbook_loads_nothing_but_the_standard_library():
    assert loaded_by("import workbook") - sys.stdlib_module_names == set()


def test_importing_a_table_does_not_load_what_is_slow():
    loaded = loaded_by("from workbook import pods; pods")
    assert "pandas" in loaded, "the test looks at the wrong module"
    assert loaded & {"docker", "matplotlib", "nbformat"} == set()


def test_importing_the_workbook_takes_less_than_a_tenth_of_a_second():
    """Of this process's own time: a busy machine takes longer."""
    program = "import time; begun = time.process_time(); import workbook; print(time.process_time() - begun)"
    assert min(float(*run(program)) for _ in range(3)) < 0.1
