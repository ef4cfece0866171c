"""The book's claims: the notebooks' boxes are numbered and have a verdict, and tests/claims.toml has evidence for each claim."""

import tomllib

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests import claims as chapter
from tests.claims import Listed, cells, listed
from workbook.base import notebooks
from workbook.base.paths import ROOT
from workbook.publish import claims
from workbook.publish.claims import Claim

LISTED = listed()
FOUND = claims.claims()
CHAPTER = {"H": 6, "A": 16, "T": 4, "S": 5, "P": 7, "V": 7, "Z": 2, "F": 1, "R": 4, "Y": 5, "L": 3}
"""The parts of the chapter, and how many claims each has."""
COMPUTED = {"R1"}
"""Claims whose cell only computes, so that nothing but the cell itself could be wrong."""
MUTANTS = {
    mutant["mistake"]: set(mutant.get("notebooks", []))
    for mutant in tomllib.loads((ROOT / "tests" / "mutants" / "mutants.toml").read_text(encoding="utf-8"))["mutant"]
}


def boxes(id_: str) -> list[Claim]:
    """The boxes of a claim."""
    return [claim for claim in FOUND if id_ in claim.ids]


live = pytest.mark.parametrize("id_", [id_ for id_, entry in LISTED.items() if entry.is_live])
each = pytest.mark.parametrize("id_", LISTED)


def test_claims_are_numbered_in_reading_order_and_have_a_verdict():
    assert [claim.number for claim in FOUND] == list(range(1, len(FOUND) + 1)), "run `make record`"
    for claim in FOUND:
        assert claim.says and claim.verdict in claims.VERDICTS and claim.today, claim


def test_the_list_has_each_claim_of_the_chapter():
    expected = [f"{part}{number}" for part, count in CHAPTER.items() for number in range(1, count + 1)]
    assert [id_ for id_ in LISTED if not id_.startswith("O")] == expected


def test_each_box_is_about_a_claim_of_the_list():
    for claim in FOUND:
        assert claim.ids and set(claim.ids) <= LISTED.keys(), claim


@each
def test_a_box_has_the_verdict(id_):
    assert LISTED[id_].verdict in {claim.verdict for claim in boxes(id_)}, boxes(id_)


@each
def test_the_evidence_is_of_a_known_type(id_):
    entry = LISTED[id_]
    assert entry.evidence in ("live", "source", "both")
    assert not entry.test or (ROOT / entry.test).is_file()
    assert entry.is_live or not (entry.cells or entry.mutants)


@live
def test_the_cells_exist_and_are_compared(id_):
    assert LISTED[id_].cells
    for place in LISTED[id_].cells:
        path, found = cells(place)
        assert path, f"no notebook: {place}"
        assert found, f"no such cell: {place}"
        for cell in found:
            assert not {"nbval-ignore-output", "exercise"} & set(cell.metadata.get("tags", [])), cell.source


@live
def test_a_mutant_makes_one_of_the_notebooks_fail(id_):
    used = {place.partition(": ")[0] for place in LISTED[id_].cells}
    for name in LISTED[id_].mutants:
        assert name in MUTANTS, f"no such mutant: {name}"
        assert MUTANTS[name] & used, f"not in these notebooks: {name}"
    assert LISTED[id_].mutants or id_ in COMPUTED, "no mutant"


@pytest.mark.parametrize("id_", [id_ for id_, entry in LISTED.items() if entry.has_source])
def test_a_box_links_to_a_source(id_):
    assert any("](https://" in claim.today for claim in boxes(id_)), boxes(id_)


def test_the_page_agrees_with_the_notebooks():
    assert claims.PAGE.read_text(encoding="utf-8") == claims.errata(), "run `make record`"


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A notebook with two claims, in place of the workbook's."""
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    both = "> **What the book says (1).** <!-- A1 B2 --> `a.b` is 1.5\n> wide.\n>\n> **Today: wrong.** It is 2. Try it:"
    cells = [
        new_markdown_cell(f"## One\n\n{both}"),
        new_code_cell("1", execution_count=7),
        new_markdown_cell("## Two\n\n> **Note.** Neither.\n\n> **What the book says (?).** This.\n\nTry it."),
        new_code_cell("2", execution_count=8),
        new_markdown_cell("> **Today: holds.** So it is."),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "00_a.ipynb")
    return tmp_path / "00_a.ipynb"


def test_how_they_are_read(book):
    assert claims.claims() == [
        Claim(1, ("A1", "B2"), "`a.b` is 1.5 wide.", "wrong", "It is 2. Try it.", book, 7),
        Claim(0, (), "This.", "holds", "So it is.", book, 8),
    ]
    assert "| 1 | `a.b` is 1.5 wide. | wrong | It is 2. Try it. | [00_a](00_a.ipynb) [7] |" in claims.errata()
    assert "This." not in claims.errata()


def test_evidence_is_cells_tests_and_sources(book, monkeypatch):
    entries = {
        "A1": Listed("", "wrong", "both", ("00: 2", "00: 1", "77: 1"), ()),
        "B2": Listed("", "wrong", "source", test="tests/x.py"),
    }
    monkeypatch.setattr(chapter, "listed", lambda: entries)
    assert chapter.evidence() == {1: "[00](00_a.ipynb) [7], [8]; [test](../tests/x.py); source", 0: ""}


def test_numbers_are_given_in_reading_order():
    one, two = (
        "> **What the book says (?).** A.",
        "> **What the book says (7).** <!-- B1 --> B.\n\n> **What the book says (1).** C (9).",
    )
    assert claims.number([one, "x (3)", two]) == [
        "> **What the book says (1).** A.",
        "x (3)",
        "> **What the book says (2).** <!-- B1 --> B.\n\n> **What the book says (3).** C (9).",
    ]
