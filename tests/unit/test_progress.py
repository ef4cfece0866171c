"""The notes about a learner's progress, and their display."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import workbook
from workbook.base import notebooks
from workbook.base.labels import MANAGED
from workbook.base.notebooks import find
from workbook.lessons.progress import CONFIG_MAP, note


def notes(api_server):
    return api_server.find("configmaps", CONFIG_MAP)["data"]


def test_notes_are_a_config_map_with_the_workbooks_label(api_server):
    note(3, "begun")
    note(3, "solution")
    note(12, "end")
    assert notes(api_server) == {"03-step": "begun", "03-exercise": "solution", "12-step": "end"}
    assert api_server.find("configmaps", CONFIG_MAP)["metadata"]["labels"] == MANAGED
    assert len(api_server.objects["configmaps"]) == 1


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ("begun", "end", "end"),
        ("end", "begun", "end"),
        ("solution", "exercise", "exercise"),
        ("exercise", "solution", "exercise"),
    ],
)
def test_a_better_note_is_kept(api_server, first, second, kept):
    note(3, first)
    note(3, second)
    assert list(notes(api_server).values()) == [kept]


def test_a_note_without_a_meaning_is_replaced(api_server):
    note(3, "begun")
    notes(api_server)["03-step"] = "halfway"  # by `kubectl edit`
    note(3, "begun")
    assert notes(api_server) == {"03-step": "begun"}


def test_the_same_note_is_written_once(api_server):
    for _ in range(2):
        note(3, "begun")
    assert [request.split()[0] for request in api_server.requests] == ["GET", "POST", "GET"]


@pytest.mark.parametrize("methods", [{"GET"}, {"POST"}])
def test_a_cluster_that_forbids_it_has_no_notes(api_server, methods):
    api_server.refused = methods
    note(3, "begun")
    assert "configmaps" not in api_server.objects


def test_nothing_is_noted_without_a_cluster(home):
    note(3, "begun")


def test_a_notebook_with_several_exercises(api_server, tmp_path, monkeypatch):
    calls = [f"exercise(3, {{}}, part={part}{solution})" for part in (1, 2) for solution in ("", ", solution=True")]
    cells = [new_code_cell(f"a = 1\n{call}") for call in calls]
    nbformat.write(new_notebook(cells=cells), tmp_path / "03_a.ipynb")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    seen = []
    for part, what in ((0, "begun"), (2, "exercise"), (1, "solution"), (1, "exercise")):
        note(3, what, part)
        seen.append(workbook.progress().loc["03_a", "EXERCISE"])
    assert seen == ["", "1 of 2 done", "with the solution", "✓ done"]
    assert notes(api_server) == {"03-step": "begun", "03-exercise-2": "exercise", "03-exercise-1": "exercise"}


def test_progress(api_server):
    for number, part, what in (
        *((0, 0, "end"), (0, 1, "exercise"), (0, 2, "exercise")),
        *((1, 0, "end"), (1, 1, "solution"), (1, 2, "solution"), (1, 3, "solution")),
        (2, 0, "begun"),
    ):
        note(number, what, part)
    table = workbook.progress()
    assert (table.columns.name, list(table.columns), len(table)) == ("NOTEBOOK", ["STEP", "EXERCISE"], len(find()))
    assert table.loc["00_start-here"].tolist() == ["✓ to the end", "✓ done"]
    assert table.loc["01_meet-the-cluster"].tolist() == ["✓ to the end", "with the solution"]
    assert table.loc["02_build-the-image"].tolist() == ["started", ""]
    assert (table.iloc[3:] == "").all(axis=None)
