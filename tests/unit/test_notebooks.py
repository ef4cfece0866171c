"""The notebooks' files."""

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
