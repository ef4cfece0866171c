"""Building images in the engine of a cluster."""

import pytest

from workbook.base.errors import WorkbookError
from workbook.engine import catalog
from workbook.lessons.build import build

pytestmark = pytest.mark.cluster


def test_an_image_that_fails_to_build_shows_the_failing_step(tmp_path, monkeypatch):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/Dockerfile").write_text(
        "ARG BASE\nFROM ${BASE}\nRUN echo the cause is here && exit 7\n", encoding="utf-8"
    )
    (tmp_path / "images.toml").write_text(
        '["web-app:1.0"]\ncontext = "broken"\nbases = {BASE = "python"}\n', encoding="utf-8"
    )
    monkeypatch.setattr(catalog, "APP", tmp_path)
    with pytest.raises(WorkbookError, match=r"not built(.|\n)*returned a non-zero code: 7(.|\n)*the cause is here"):
        build("web-app:1.0", log=False)


def test_an_image_the_workbook_does_not_have():
    with pytest.raises(WorkbookError, match=r"no image 'web-app:7'(.|\n)*web-app:1.0"):
        build("web-app:7")
