"""Building images for a notebook, without an engine."""

import pytest

from workbook.base.errors import WorkbookError
from workbook.lessons.build import build


def test_an_image_the_workbook_does_not_have():
    with pytest.raises(WorkbookError, match=r"no image 'web-app:7'(.|\n)*web-app:1.0"):
        build("web-app:7")
