"""tests/mutants/mutants.toml: each change is still possible, in exactly one place. `make mutants` makes the changes."""

import tomllib

import pytest

from workbook.base.paths import ROOT

MUTANTS = tomllib.loads((ROOT / "tests" / "mutants" / "mutants.toml").read_text(encoding="utf-8"))["mutant"]


@pytest.mark.parametrize(
    "mutant", [mutant for mutant in MUTANTS if "text" in mutant], ids=lambda mutant: mutant["wrong"]
)
def test_the_text_that_is_replaced_occurs_once(mutant):
    source = (ROOT / mutant["file"]).read_text(encoding="utf-8")
    for text in (mutant["text"], *mutant.get("also", [])[:1]):
        count = source.count(text)
        assert count == 1 or (mutant.get("all") and count), f"{count} times in {mutant['file']}: {text}"


def test_the_names_are_unique():
    names = [mutant["wrong"] for mutant in MUTANTS]
    assert len(names) == len(set(names))
