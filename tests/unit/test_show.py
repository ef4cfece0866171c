"""Listings of the workbook's files."""

import pytest

from workbook import show
from workbook.base.errors import WorkbookError


def test_a_listing_is_the_file():
    listing = show("app/webapp/v1/app.py")
    assert listing._repr_markdown_() == f"```python\n{listing.rstrip()}\n```"
    assert "Welcome!" in listing


@pytest.mark.parametrize("file", ["no/such.yaml", "../outside", "/etc/passwd", "app"])
def test_only_the_workbooks_files_are_shown(file):
    with pytest.raises(WorkbookError, match=r"no file"):
        show(file)
