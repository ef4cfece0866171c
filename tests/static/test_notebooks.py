"""The form of the notebooks, and of the documents generated from them: see "Change a notebook" in CONTRIBUTING.md."""

import ast
import itertools
import re
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from tests.cells import code_cells
from tests.documents import AGENDA, PLANS, agenda, table
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.base.paths import ROOT
from workbook.lessons.begin import states
from workbook.publish.execute import failed
from workbook.publish.minutes import delays

TAGS = {"nbval-ignore-output", "raises-exception", "exercise", "solution", "readme"}
FORBIDDEN = {
    r"^\s*!": "a shell command: its failure would be hidden, and Windows has another shell; use %kubectl or Python",
    r"\bsleep\(": "a sleep: wait for the event instead",
    r"-[0-9a-f]{8,10}-[a-z0-9]{5}\b": "a generated Pod name: use labels instead",
    r"(?<![\w.])/(home|root|Users|tmp)/": "a path of one machine",
}
# A cell that ends in a table that is the same in every run.
STABLE = re.compile(
    r"^(pods|deployments|replicasets|services|nodes|images|compare)\((?!.*wide=True).*\)$(?![\s\S])", re.MULTILINE
)
LONGEST, SHARE = 5, 0.85
"""The largest number of lines of most code cells, and the share of these cells."""
ENDS = {
    "15": ["delete_cluster(nodes=2)", "status()"],
    "16": ["stop()", "status()", "delete_cluster()", "status()"],
}
"""The code cells after the exercises, in the notebooks that delete a cluster."""


def books():
    return [pytest.param(path, nbformat.read(path, as_version=4), id=path.stem) for path in find()]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def printed(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def statements(cell):
    """The statements of a code cell, magics included."""
    return ast.parse(TransformerManager().transform_cell(cell.source)).body


def exercises(book):
    """The exercises at the end of a notebook. Each has four code cells: an empty one, the check, the solution, the check.

    Other cells may come before the empty one, such as those that measure what the reader is to predict.
    """
    cells = code_cells(book)
    checks = [number for number, cell in enumerate(cells) if "exercise(" in cell.source]
    return [cells[number - 1 : number + 3] for number in checks[::2]]


def prose(book):
    return "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")


def test_numbers_have_no_gaps_and_are_known_to_begin():
    numbers = [path.name[:2] for path in find()]
    assert numbers == [f"{number:02}" for number in range(len(numbers))]
    assert set(numbers) <= states().keys()


@pytest.mark.parametrize(("path", "book"), books())
class TestNotebook:
    def test_begin_provides_the_files_to_edit(self, path, book):
        named = re.findall(r"work/([\w-]+\.yaml)", "\n".join(cell.source for cell in book.cells))
        assert set(named) == {Path(name).name for name in states()[path.name[:2]].get("edit", [])}

    def test_every_code_cell_was_run_in_order(self, path, book):
        counts = [cell.execution_count for cell in code_cells(book) if cell.source.strip()]
        assert counts == list(range(1, len(counts) + 1)), "run `make record`"

    def test_just_those_cells_fail_that_are_meant_to(self, path, book):
        for cell in code_cells(book):
            assert failed(cell) == ("raises-exception" in tags(cell)), cell.source

    def test_only_known_tags(self, path, book):
        for cell in book.cells:
            assert tags(cell) <= TAGS, cell.source

    def test_an_ignored_output_is_followed_by_a_compared_one(self, path, book):
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

    def test_forbidden_code(self, path, book):
        for cell in code_cells(book):
            for pattern, why in FORBIDDEN.items():
                assert not re.search(pattern, cell.source, re.MULTILINE), f"{why}\n{cell.source}"

    def test_cells_are_short(self, path, book):
        sizes = [len(cell.source.splitlines()) for cell in code_cells(book)]
        assert sum(size <= LONGEST for size in sizes) >= SHARE * len(sizes)

    def test_opening(self, path, book):
        opening = book.cells[0].source
        assert re.match(r"# \S", opening)
        for row in ("You will", "You learn", "You need", "Time"):
            assert re.search(rf"^\| \*\*{row}\*\* \| \S.* \|$", opening, re.MULTILINE), row
        begins = [cell.source for cell in code_cells(book) if f"begin({int(path.name[:2])})" in cell.source]
        assert begins == [cell.source for cell in code_cells(book)[:2] if "begin(" in cell.source][-1:]

    def test_ending(self, path, book):
        headings = re.findall(r"^## (.+)$", prose(book), re.MULTILINE)
        assert headings[-2:] == ["Summary", "On your own"]
        assert book.cells[-1].source.startswith("**Next:**")
        for stub, before, solution, after in exercises(book):
            assert tags(stub) == {"exercise"}
            assert "solution" in tags(solution) and solution.metadata["jupyter"]["source_hidden"]
            first, second = statements(before), statements(after)
            first[-1].value.keywords.append(ast.keyword("solution", ast.Constant(True)))
            assert [*map(ast.dump, second)] == [*map(ast.dump, first)], (
                "the checks before and after the solution differ"
            )

    def test_the_exercises_are_open_before_their_solutions_and_done_after(self, path, book):
        groups = exercises(book)
        for part, (_, before, _, after) in enumerate(groups, start=1):
            title = f"{path.name[:2]}.{part}" if len(groups) > 1 else path.name[:2]
            assert "✗" in printed(before) and "is done" not in printed(before)
            assert "✗" not in printed(after) and f"Exercise {title} is done." in printed(after)

    def test_a_cluster_is_deleted_after_the_exercises(self, path, book):
        sources = [cell.source for cell in code_cells(book)]
        after = sources[sources.index(exercises(book)[-1][-1].source) + 1 :]
        assert after == ENDS.get(path.name[:2], [])

    def test_solutions_are_hidden_and_exercises_open(self, path, book):
        for cell in code_cells(book):
            assert cell.metadata.get("jupyter", {}).get("source_hidden", False) == ("solution" in tags(cell))
            # JupyterLab shows the first line of what it has collapsed.
            assert "solution" not in tags(cell) or cell.source.startswith("# A solution\n")

    def test_one_title_and_no_skipped_level(self, path, book):
        levels = [len(found) for found in re.findall(r"^(#+) ", prose(book), re.MULTILINE)]
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))

    def test_each_picture_has_an_alternative_text(self, path, book):
        for alternative in re.findall(r"!\[(.*?)\]\(", prose(book)):
            assert len(alternative) > 10

    def test_targets_of_links_exist(self, path, book):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose(book)):
            if not target.startswith("http"):
                assert (NOTEBOOKS / target).exists(), target

    def test_the_measured_time_is_recorded(self, path, book):
        assert book.metadata.workbook.seconds > 0


@pytest.mark.parametrize(("number", "work"), [("09", 20), ("10", 20), ("11", 60)])
def test_a_notebook_with_unavoidable_delays_adds_little_to_them(number, work):
    """`work` is the number of seconds for everything else. Notebook 11 rolls out ten versions."""
    book = nbformat.read(*find((number,)), as_version=4)
    assert book.metadata.workbook.seconds <= 1.15 * sum(delays(book)) + work


def test_notebooks_without_unavoidable_delays_take_four_minutes_in_total():
    chosen = [nbformat.read(path, as_version=4) for path in find(("04", "05", "06", "07", "08", "16"))]
    assert not any(map(delays, chosen))
    assert sum(book.metadata.workbook.seconds for book in chosen) <= 240


def test_the_notebook_with_two_nodes_takes_at_most_three_minutes():
    book = nbformat.read(*find(("15",)), as_version=4)
    assert sum(delays(book)) == 50
    assert book.metadata.workbook.seconds <= 180


def test_the_readme_has_the_current_table_of_notebooks():
    assert table() in (ROOT / "README.md").read_text(encoding="utf-8"), "run `make record`"


def test_instructors_have_the_current_agenda():
    assert agenda() in AGENDA.read_text(encoding="utf-8"), "run `make record`"


def test_breaks_come_in_time_and_each_plan_begins_with_notebook_00():
    for part, plan in zip(agenda().split("\n\n### "), PLANS, strict=True):
        rows = [re.split(r" *\| *", row)[1:-1] for row in part.splitlines() if re.match(r"\| \d", row)]
        without_break = 0
        for _, item, minutes, _ in rows[:-1]:
            without_break = 0 if item.startswith("*") else without_break + int(minutes)
            assert without_break <= 80 or int(minutes) > 80
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
        "notebooks/CHEAT-SHEET.md",
        "notebooks/ERRATA.md",
        "notebooks/GLOSSARY.md",
        "notebooks/README.md",
        "notebooks/REFERENCE.md",
        "notebooks/SETUP.md",
        "notebooks/VERSIONS.md",
        "tests/README.md",
    ],
)
def test_targets_of_links_in_documents_exist(file):
    path = ROOT / file
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert Path(path.parent, target).exists(), target
