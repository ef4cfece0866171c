"""The table of exercises is complete: both calls of each exercise are recognized, before its solution and after it."""

import nbformat
import pytest

from tests.cells import code_cells
from tests.exercises import CALL
from workbook.base.notebooks import find


@pytest.mark.parametrize("path", find(), ids=lambda path: path.stem)
def test_both_calls_are_recognized(path):
    cells = code_cells(nbformat.read(path, as_version=4))
    calls = [found.groups() for cell in cells if (found := CALL.search(cell.source))]
    assert len(calls) == sum("exercise(" in cell.source for cell in cells)
    parts = [str(part) for part in range(1, len(calls) // 2 + 1)] if len(calls) > 2 else [None]
    assert [(int(number), part, bool(solution)) for number, part, solution in calls] == [
        (int(path.name[:2]), part, solution) for part in parts for solution in (False, True)
    ]
