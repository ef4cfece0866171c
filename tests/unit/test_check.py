"""A check's mark, and the error of a check that fails."""

import pytest

from workbook import check
from workbook.lessons.check import CheckFailed


def test_check(capsys):
    check("two and two are four", lambda: 2 + 2 == 4)
    assert capsys.readouterr().out == "✓ two and two are four\n"
    with pytest.raises(CheckFailed, match=r"✗ it rains: not so(.|\n)*Wait an hour"):
        check("it rains", False, "Wait an hour.")
