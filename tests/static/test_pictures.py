"""The notebooks' pictures: drawn from their source, and each of them used."""

from importlib.util import module_from_spec, spec_from_file_location

import pytest

from tests.glossary import sources
from workbook.base.notebooks import NOTEBOOKS

SOURCE = NOTEBOOKS / "images" / "draw.py"
spec = spec_from_file_location("draw", SOURCE)
draw = module_from_spec(spec)
spec.loader.exec_module(draw)


@pytest.mark.parametrize("path", draw.drawn(), ids=lambda path: path.stem)
def test_the_file_agrees_with_its_source_and_is_in_a_notebook(path):
    assert path.read_text(encoding="utf-8") == draw.drawn()[path], "run `python notebooks/images/draw.py`"
    assert any(f"](images/{path.name})" in source for source in sources())
