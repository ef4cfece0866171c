"""tests/mutants/mutants.toml: each change is still possible, in exactly one place. `make mutants` makes the changes."""

import re
import tomllib
from functools import cache

import nbformat
import pytest

from tests.cells import code_cells
from workbook.base.notebooks import find
from workbook.base.paths import ROOT

MUTANTS = tomllib.loads((ROOT / "tests" / "mutants" / "mutants.toml").read_text(encoding="utf-8"))["mutant"]


@pytest.mark.parametrize(
    "mutant", [mutant for mutant in MUTANTS if "text" in mutant], ids=lambda mutant: mutant["mistake"]
)
def test_the_text_that_is_replaced_occurs_once(mutant):
    assert mutant["becomes"] != mutant["text"]
    source = (ROOT / mutant["file"]).read_text(encoding="utf-8")
    for text in (mutant["text"], *mutant.get("also", [])[:1]):
        count = source.count(text)
        assert count == 1 or (mutant.get("all") and count), f"{count} times in {mutant['file']}: {text}"


def test_the_names_are_unique():
    names = [mutant["mistake"] for mutant in MUTANTS]
    assert len(names) == len(set(names))


@cache
def sources(number):
    """The texts of a notebook's code cells."""
    return [cell.source for path in find((number,)) for cell in code_cells(nbformat.read(path, as_version=4))]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant["mistake"])
def test_the_cell_or_test_that_must_fail_exists(mutant):
    for number in mutant.get("notebooks", []):
        assert any(mutant["by"] in source for source in sources(number)), (
            f"no cell of notebook {number} has {mutant['by']!r}"
        )
    for file in mutant.get("run", []):
        names = re.findall(r"def (test_\w+)", (ROOT / file.partition("::")[0]).read_text(encoding="utf-8"))
        assert any(mutant["by"] in name or name in mutant["by"] for name in names), (
            f"{file} has no test {mutant['by']!r}"
        )
    if "cell" in mutant:
        book = nbformat.read(ROOT / mutant["file"], as_version=4)
        assert any(mutant["cell"] in cell.source for cell in code_cells(book)), mutant["cell"]
