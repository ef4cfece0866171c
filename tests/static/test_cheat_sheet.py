"""The cheat sheet: it has the chapter's commands, and the functions next to them print the same ones."""

import re

import nbformat
import pytest

import workbook
from tests.cells import code_cells
from tests.static.test_commands import PRINTED, RUN
from workbook.base.notebooks import find
from workbook.publish.handout.document import CHEAT_SHEET

SHEET = CHEAT_SHEET.read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(.+?)`(.*?) \| (.+) \| (.*?) *\|$", SHEET, re.MULTILINE)
CELLS = [cell for path in find() for cell in code_cells(nbformat.read(path, as_version=4))]


def words(command):
    """The beginning of a command, which says what it does: a program, its verb, and the type of object."""
    count = 3 if re.match(r"kubectl (get|rollout) ", command) else 2
    return " ".join(command.replace("kubectl log ", "kubectl logs ").split()[:count])


def functions(cell):
    return re.findall(r"`(\w+)\(", cell)


@pytest.mark.parametrize("command", [command for command in (*RUN, *PRINTED) if "service webservice" not in command])
def test_it_has_each_command_of_the_chapter(command):
    assert f"`{words(command.split(',')[0])}" in SHEET


def test_each_row_has_a_command_a_meaning_and_perhaps_a_function():
    assert len(ROWS) == len(re.findall(r"^\| `", SHEET, re.MULTILINE)) > 20
    for command, _, meaning, cell in ROWS:
        assert len(meaning.split()) > 3, command
        assert set(functions(cell)) <= set(workbook.__all__), cell


@pytest.mark.parametrize(
    ("command", "function"),
    [(command, function) for command, _, _, cell in ROWS for function in functions(cell) if "kubectl" in command],
)
def test_the_function_prints_the_command(command, function):
    """In a notebook, the output of a cell that calls the function begins with this command, or contains its line."""
    shown = [
        "".join(str(output.get("text", output.get("data", {}).get("text/plain", ""))) for output in cell.outputs)
        for cell in CELLS
        if re.search(rf"\b{function}\(", cell.source)
    ]
    assert any(f"$ {words(command)}" in text for text in shown), f"no cell with {function}() shows {words(command)}"
