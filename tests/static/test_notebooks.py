"""What a notebook must be before it is run: see "A notebook" in CONTRIBUTING."""

import ast
import itertools
import re
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from tests.cells import code_cells
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.base.paths import ROOT
from workbook.lessons.begin import states
from workbook.publish.agenda import PAGE, PLANS, agenda
from workbook.publish.documents import table
from workbook.publish.execute import failed
from workbook.publish.minutes import delays

TAGS = {"nbval-ignore-output", "raises-exception", "exercise", "solution"}
FORBIDDEN = {
    r"^\s*!": "a shell command: it may fail unseen, and Windows has another shell; use %kubectl or Python",
    r"\bsleep\(": "a sleep: wait for what is to happen",
    r"-[0-9a-f]{8,10}-[a-z0-9]{5}\b": "a generated Pod name: use labels",
    r"(?<![\w.])/(home|root|Users|tmp)/": "a path of one machine",
}
# A cell that ends in a table of what is the same in every run.
STABLE = re.compile(
    r"^(pods|deployments|replicasets|services|nodes|images|compare)\((?!.*wide=True).*\)$(?![\s\S])", re.MULTILINE
)
LONGEST, SHARE = 5, 0.85


def books():
    return [pytest.param(path, nbformat.read(path, as_version=4), id=path.stem) for path in find()]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def said(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def calls(cell):
    """The statements of a code cell."""
    return ast.parse(TransformerManager().transform_cell(cell.source)).body


def prose(book):
    return "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")


def test_numbered_without_gaps_and_known_to_begin():
    numbers = [path.name[:2] for path in find()]
    assert numbers == [f"{number:02}" for number in range(len(numbers))]
    assert set(numbers) <= states().keys()


@pytest.mark.parametrize(("path", "book"), books())
class TestNotebook:
    def test_every_code_cell_was_run_in_order(self, path, book):
        counts = [cell.execution_count for cell in code_cells(book) if cell.source.strip()]
        assert counts == list(range(1, len(counts) + 1)), "run `make record`"

    def test_just_those_cells_fail_that_are_meant_to(self, path, book):
        for cell in code_cells(book):
            assert failed(cell) == ("raises-exception" in tags(cell)), cell.source

    def test_only_known_tags(self, path, book):
        for cell in book.cells:
            assert tags(cell) <= TAGS, cell.source

    def test_each_ignored_output_is_followed_by_something_compared(self, path, book):
        cells = [cell for cell in code_cells(book) if not tags(cell) & {"exercise"}]
        for cell, after in zip(cells, [*cells[1:], None], strict=True):
            if "nbval-ignore-output" in tags(cell):
                assert after is not None, f"the last cell of the notebook is ignored: {cell.source}"
        run = 0
        for cell in cells:
            run = run + 1 if "nbval-ignore-output" in tags(cell) else 0
            assert run <= 2, f"three ignored outputs in a row: {cell.source}"

    def test_no_check_and_no_stable_table_is_ignored(self, path, book):
        for cell in code_cells(book):
            if "nbval-ignore-output" in tags(cell):
                assert not re.search(r"^\s*check\(", cell.source, re.MULTILINE), cell.source
                assert not STABLE.search(cell.source.rstrip()), cell.source

    def test_nothing_forbidden(self, path, book):
        for cell in code_cells(book):
            for pattern, why in FORBIDDEN.items():
                assert not re.search(pattern, cell.source, re.MULTILINE), f"{why}\n{cell.source}"

    def test_cells_are_short(self, path, book):
        sizes = [len(cell.source.splitlines()) for cell in code_cells(book)]
        assert sum(size <= LONGEST for size in sizes) >= SHARE * len(sizes)

    def test_opening(self, path, book):
        opening = book.cells[0].source
        assert re.match(r"# \S", opening)
        for row in ("you will", "you learn", "you need", "minutes"):
            assert re.search(rf"^\| \*\*{row}\*\* \| \S.* \|$", opening, re.MULTILINE), row
        begins = [cell.source for cell in code_cells(book) if f"begin({int(path.name[:2])})" in cell.source]
        assert begins == [cell.source for cell in code_cells(book)[:2] if "begin(" in cell.source][-1:]

    def test_ending(self, path, book):
        headings = re.findall(r"^## (.+)$", prose(book), re.MULTILINE)
        assert headings[-2:] == ["Summary", "On your own"]
        assert book.cells[-1].source.startswith("**Next:**")
        *_, stub, before, solution, after = code_cells(book)
        assert tags(stub) == {"exercise"}
        assert "solution" in tags(solution) and solution.metadata["jupyter"]["source_hidden"]
        asked, told = calls(before), calls(after)
        asked[-1].value.keywords.append(ast.keyword("solution", ast.Constant(True)))
        assert [*map(ast.dump, told)] == [*map(ast.dump, asked)], "what is asked before and after differs"

    def test_the_exercise_is_open_before_its_solution_and_done_after(self, path, book):
        *_, before, _, after = code_cells(book)
        assert "✗" in said(before) and "is done" not in said(before)
        assert "✗" not in said(after) and f"Exercise {path.name[:2]} is done." in said(after)

    def test_solutions_are_hidden_and_exercises_open(self, path, book):
        for cell in code_cells(book):
            assert cell.metadata.get("jupyter", {}).get("source_hidden", False) == ("solution" in tags(cell))
            # JupyterLab shows the first line of what it has collapsed.
            assert "solution" not in tags(cell) or cell.source.startswith("# A solution\n")

    def test_one_title_and_no_level_left_out(self, path, book):
        levels = [len(found) for found in re.findall(r"^(#+) ", prose(book), re.MULTILINE)]
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))

    def test_a_text_for_each_picture(self, path, book):
        for alternative in re.findall(r"!\[(.*?)\]\(", prose(book)):
            assert len(alternative) > 10
        for cell in book.cells:
            if "```mermaid" in cell.source:
                assert "*In words:*" in cell.source, "a diagram needs its text alternative"

    def test_links_lead_somewhere(self, path, book):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose(book)):
            if not target.startswith("http"):
                assert (NOTEBOOKS / target).exists(), target

    def test_it_ends_with_the_minutes_that_were_measured(self, path, book):
        assert book.metadata.workbook.seconds > 0


@pytest.mark.parametrize("number", ["09", "10"])
def test_a_notebook_that_must_wait_adds_little_to_that(number):
    book = nbformat.read(*find((number,)), as_version=4)
    assert book.metadata.workbook.seconds <= 1.15 * sum(delays(book)) + 20


def test_the_notebooks_that_need_not_wait_take_four_minutes_together():
    chosen = [nbformat.read(path, as_version=4) for path in find(("04", "05", "06", "07", "08", "12"))]
    assert not any(map(delays, chosen))
    assert sum(book.metadata.workbook.seconds for book in chosen) <= 240


def test_the_readme_has_the_table_of_these_notebooks():
    assert table() in (ROOT / "README.md").read_text(), "run `make record`"


def test_who_teaches_has_the_agenda_of_these_notebooks():
    assert agenda() in PAGE.read_text(), "run `make record`"


def test_a_break_comes_in_time_and_each_plan_begins_with_the_start():
    for part, plan in zip(agenda().split("\n\n### "), PLANS, strict=True):
        rows = [re.split(r" *\| *", row)[1:-1] for row in part.splitlines() if re.match(r"\| \d", row)]
        at_a_stretch = 0
        for _, what, minutes, _ in rows[:-1]:
            at_a_stretch = 0 if what.startswith("*") else at_a_stretch + int(minutes)
            assert at_a_stretch <= 80 or int(minutes) > 80
        begins = [int(row[0].split(":")[0]) * 60 + int(row[0].split(":")[1]) for row in rows]
        assert [after - before for before, after in itertools.pairwise(begins)] == [int(row[2]) for row in rows[:-1]]
        assert len([row for row in rows if row[3]]) == len(plan.numbers) and plan.numbers[0] == "00"


@pytest.mark.parametrize(
    "file",
    [
        "README.md",
        "CONTRIBUTING.md",
        "classroom/README.md",
        "node/README.md",
        "notebooks/ERRATA.md",
        "notebooks/GLOSSARY.md",
        "notebooks/README.md",
        "tests/README.md",
    ],
)
def test_links_of_the_documents_lead_somewhere(file):
    path = ROOT / file
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
        if not target.startswith("http"):
            assert Path(path.parent, target).exists(), target
