"""The names that notebooks import."""

from types import ModuleType

import workbook


def test_every_public_name_is_what_a_notebook_calls():
    for name in workbook.__all__:
        assert callable(getattr(workbook, name)), name
        assert not isinstance(getattr(workbook, name), ModuleType), f"a module hides the function {name}"
        assert getattr(workbook, name).__doc__, f"{name} has no docstring"
