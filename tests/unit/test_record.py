"""`make record`, with notebooks that need no cluster."""

from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests import documents, matrix_page, record
from workbook.base import notebooks
from workbook.publish import claims, index

OPENING = "# A title\n\n| | |\n|---|---|\n| **You will** | add |\n| **Time** | 0 |\n\n**Listing 1-1.**"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one notebook, in place of the workbook's; its cluster is set up."""
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(record, "ROOT", tmp_path)
    monkeypatch.setattr(record, "up", lambda: None)
    monkeypatch.setattr(record.current, "api", lambda: SimpleNamespace(version=lambda: "v1.36.3"))
    monkeypatch.setattr(record.current, "current", lambda: SimpleNamespace(provider="kind"))
    monkeypatch.setattr(documents, "PLANS", (documents.Plan("A day", ("00",), 8),))
    monkeypatch.setattr(documents, "AGENDA", tmp_path / "agenda.md")
    monkeypatch.setattr(record, "PICTURE", tmp_path / "picture.png")
    for module, name in ((index, "index.md"), (claims, "errata.md"), (matrix_page, "versions.md")):
        monkeypatch.setattr(module, "PAGE", tmp_path / name)
    for name, mark in (("README.md", "chapter table"), ("agenda.md", "agenda")):
        (tmp_path / name).write_text(
            f"<!-- {mark}: written by `make record` -->\n<!-- end of the {mark} -->\n", encoding="utf-8"
        )
    return tmp_path


def add_notebook(folder, source):
    path = folder / "00_add.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell(OPENING), new_code_cell(source)]), path)
    return path


def test_outputs_and_documents_are_written(repository):
    path = add_notebook(repository, "1 + 1")
    assert record.record() == 0
    book = nbformat.read(path, as_version=4)
    assert book.cells[1].outputs[0]["data"]["text/plain"] == "2"
    assert "1 min reading, 1 min running" in book.cells[0].source
    assert book.metadata.workbook.keys() == {"seconds", "date", "kubernetes", "provider", "python"}
    assert "| [A title](notebooks/00_add.ipynb) | 1 min reading, 1 min running |" in (
        repository / "README.md"
    ).read_text(encoding="utf-8")
    assert "| 1-1 | [00_add](00_add.ipynb) [1] |" in (repository / "index.md").read_text(encoding="utf-8")
    assert "| 0:00 | [00_add]" in (repository / "agenda.md").read_text(encoding="utf-8")
    assert (repository / "errata.md").read_text(encoding="utf-8").startswith("# Errata")
    assert (repository / "versions.md").read_text(encoding="utf-8").startswith("# Versions")


def test_the_readmes_picture_is_the_output_of_a_cell(repository):
    path = add_notebook(repository, 'from IPython.display import Image\nImage(b"a picture", format="png")')
    book = nbformat.read(path, as_version=4)
    book.cells[1].metadata.tags = ["readme"]
    nbformat.write(book, path)
    assert record.record() == 0
    assert (repository / "picture.png").read_bytes() == b"a picture"


def test_a_notebook_that_fails_is_left_as_it_was(repository):
    path = add_notebook(repository, "1 / 0")
    before = path.read_bytes()
    assert record.record() == 1
    assert path.read_bytes() == before
    assert not (repository / "index.md").exists()
