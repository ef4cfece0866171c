"""The table of exercises is complete: both calls in each notebook are recognized, before the solution and after it."""

import nbformat
import pytest

from tests.cells import code_cells
from tests.exercises import CALL
from workbook.base.notebooks import find


@pytest.mark.parametrize("path", find(), ids=lambda path: path.stem)
def test_both_calls_are_recognized(path):
    cells = code_cells(nbformat.read(path, as_version=4))
    calls = [found.groups() for cell in cells if (found := CALL.search(cell.source))]
    assert [(int(number), bool(solution)) for number, solution in calls] == [
        (int(path.name[:2]), False),
        (int(path.name[:2]), True),
    ]
