"""The list of inputs that failed: each names tests that exist."""

import re

import pytest

from workbook.base.paths import ROOT

ROWS = re.findall(
    r"^\| (\d+) \|.*\| (.+) \|$", (ROOT / "tests" / "REPORTS.md").read_text(encoding="utf-8"), re.MULTILINE
)


def test_the_rows_have_no_gap():
    assert [int(number) for number, _ in ROWS] == list(range(1, len(ROWS) + 1))


@pytest.mark.parametrize(("number", "tests"), ROWS)
def test_its_tests_exist(number, tests):
    for file, name in re.findall(r"\]\((\S+)\)(?: `(\w+)`)?", tests):
        source = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in source, (number, name)
