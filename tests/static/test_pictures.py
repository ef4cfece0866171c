"""The notebooks' pictures: drawn from their source, and each of them used."""

from base64 import b64decode

import nbformat
import pytest
from bs4 import BeautifulSoup
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from tests.glossary import sources
from tests.programs import load
from tests.record import PICTURE
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.base.paths import ROOT

SOURCE = NOTEBOOKS / "images" / "draw.py"
draw = load(SOURCE)


@pytest.mark.parametrize("path", draw.drawn(), ids=lambda path: path.stem)
def test_the_file_agrees_with_its_source_and_is_in_a_notebook(path):
    assert path.read_text(encoding="utf-8") == draw.drawn()[path], "run `python notebooks/images/draw.py`"
    assert any(f"](images/{path.name})" in source for source in sources())


@pytest.mark.parametrize("path", draw.drawn(), ids=lambda path: path.stem)
def test_the_words_in_a_box_fit(path):
    picture = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    boxes = [{name: float(rect[name]) for name in ("x", "y", "width", "height")} for rect in picture.select("rect[x]")]
    for text in picture("text"):
        x, y = float(text["x"]), float(text["y"])
        # The system's font differs between readers; this one is among the widest.
        font = FontProperties(family="DejaVu Sans", weight="bold" if "title" in text["class"] else "normal")
        width = TextPath((0, 0), text.get_text(), size=14 if {"code", "note"} & {*text["class"]} else 15, prop=font)
        around = [box for box in boxes if box["x"] + box["width"] / 2 == x and 0 < y - box["y"] < box["height"]]
        for box in around:
            assert width.get_extents().width < box["width"], text.get_text()


def test_the_readme_shows_the_recorded_picture():
    cells = [cell for path in find() for cell in nbformat.read(path, as_version=4).cells]
    (cell,) = [cell for cell in cells if "readme" in cell.metadata.get("tags", [])]
    assert PICTURE.read_bytes() == b64decode(cell.outputs[0].data["image/png"])
    assert f"]({PICTURE.relative_to(ROOT).as_posix()})" in (ROOT / "README.md").read_text(encoding="utf-8")
