"""`make run`, with notebooks that need no cluster."""

from contextlib import nullcontext
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from workbook.base import notebooks
from workbook.cluster.protocol import State
from workbook.machine import lanes as machine
from workbook.publish import run


def test_executed_copies_are_kept_and_the_notebooks_are_left_as_they_were(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(run, "COPIES", tmp_path / "copies")
    monkeypatch.setattr(run, "up", lambda: None)
    for name, source in (("00_add", "1 + 1"), ("01_divide", "1 / 0")):
        nbformat.write(
            new_notebook(cells=[new_markdown_cell("# A"), new_code_cell(source)]), tmp_path / f"{name}.ipynb"
        )
    before = (tmp_path / "00_add.ipynb").read_bytes()
    assert run.run() == 1
    assert run.run("0") == 0
    outputs = [nbformat.read(path, as_version=4).cells[1].outputs for path in sorted((tmp_path / "copies").iterdir())]
    assert outputs[0][0]["data"]["text/plain"] == "2" and outputs[1][0]["ename"] == "ZeroDivisionError"
    assert (tmp_path / "00_add.ipynb").read_bytes() == before


@pytest.fixture
def clusters(tmp_path, monkeypatch):
    """The names of the clusters that exist: the learner's own ones, at first."""
    names = ["workbook", "workbook-two"]

    def cluster(name):
        settings = SimpleNamespace(own=name.removesuffix("-two"))
        return SimpleNamespace(
            settings=settings, folder=tmp_path / name, status=lambda: State.RUNNING, delete=lambda: names.remove(name)
        )

    monkeypatch.delenv("WORKBOOK_PROFILE", raising=False)
    monkeypatch.setattr(machine, "made", lambda: list(map(cluster, names)))
    monkeypatch.setattr(run, "room", lambda wanted: wanted)
    monkeypatch.setattr(run, "up", lambda: None)
    monkeypatch.setattr(run, "COPIES", tmp_path / "copies")
    return names


@pytest.mark.parametrize("end", [KeyboardInterrupt, RuntimeError, None])
def test_the_clusters_of_lanes_are_deleted_however_the_run_ends(clusters, monkeypatch, end):
    def execute(paths, keep, lanes):
        assert (len(paths), lanes) == (3, 2)
        clusters.extend(("workbook-lane-2", "workbook-lane-2-two"))
        if end:
            raise end
        return []

    monkeypatch.setattr(run, "execute", execute)
    with pytest.raises(end) if end else nullcontext():
        assert run.run("3", "4", "16", lanes=2) == 0
    assert clusters == ["workbook", "workbook-two"]


def test_there_are_no_more_lanes_than_notebooks(clusters, monkeypatch):
    used = []
    monkeypatch.setattr(run, "execute", lambda paths, keep, lanes: used.append(lanes) or [])
    run.run("3", "4", lanes=5)
    assert used == [2]
