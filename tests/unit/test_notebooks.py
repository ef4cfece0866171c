"""Finding the notebooks' files."""

import pytest

from workbook.base import notebooks
from workbook.base.errors import WorkbookError


def test_find(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    for name in ("01_divide.ipynb", "00_add.ipynb", "README.md"):
        (tmp_path / name).touch()
    assert [path.stem for path in notebooks.find()] == ["00_add", "01_divide"]
    assert [path.stem for path in notebooks.find(("1",))] == ["01_divide"]
    assert [path.stem for path in notebooks.find(("notebooks/00_add.ipynb",))] == ["00_add"]
    with pytest.raises(WorkbookError, match="no notebook '7'"):
        notebooks.find(("7",))


@pytest.mark.parametrize(
    "copy", ["03_deploy-the-webapp-Copy1", "03_deploy-the-webapp-Copy12", "03_deploy-the-webapp (1)"]
)
def test_a_copy_that_a_reader_made_is_no_chapter(tmp_path, monkeypatch, copy):
    """The names of copies that JupyterLab makes with Duplicate, and a browser with Download."""
    for name in ("03_deploy-the-webapp", copy):
        (tmp_path / f"{name}.ipynb").touch()
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    assert [path.stem for path in notebooks.find()] == ["03_deploy-the-webapp"]
