"""`make run`, with notebooks that need no cluster."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from workbook.base import notebooks
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
