"""The book's claims in the notebooks: numbered in reading order, with a verdict; the chapter's mistakes are among them."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from workbook.base import notebooks
from workbook.publish import claims
from workbook.publish.claims import Claim

MISTAKES = {
    "extensions/v1beta1": "outdated",
    "externalIpAssignedService": "wrong",
    "kubectl log -f": "wrong",
    "frontend-app:1.0": "wrong",
    "mysql01.database.text.com": "wrong",
    "ubuntu:18.04": "outdated",
    "environment variables": "wrong",
    "DNS": "outdated",
    "control plane": "wrong",
    "two identical environments": "wrong",
    "60 seconds": "wrong",
    "liveness probe": "wrong",
    "back-off": "incomplete",
    "rkt": "outdated",
    "minikube start": "outdated",
}
"""Words of each of the chapter's mistakes, and its verdict."""


def test_claims_are_numbered_in_reading_order_and_have_a_verdict():
    found = claims.claims()
    assert [claim.number for claim in found] == list(range(1, len(found) + 1))
    for claim in found:
        assert claim.says and claim.verdict in claims.VERDICTS and claim.today, claim


@pytest.mark.parametrize("words", MISTAKES)
def test_each_of_the_chapters_mistakes_is_tried(words):
    found = [claim for claim in claims.claims() if words.casefold() in f"{claim.says} {claim.today}".casefold()]
    assert MISTAKES[words] in {claim.verdict for claim in found}, found


def test_the_page_agrees_with_the_notebooks():
    assert claims.PAGE.read_text(encoding="utf-8") == claims.errata(), "run `make record`"


def test_how_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    both = "> **What the book says (1).** `a.b` is 1.5\n> wide.\n>\n> **Today: wrong.** It is 2. Try it:"
    cells = [
        new_markdown_cell(f"## One\n\n{both}"),
        new_code_cell("1", execution_count=7),
        new_markdown_cell("## Two\n\n> **Note.** Neither.\n\n> **What the book says (2).** This.\n\nTry it."),
        new_code_cell("2", execution_count=8),
        new_markdown_cell("> **Today: holds.** So it is."),
    ]
    path = tmp_path / "00_a.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    assert claims.claims() == [
        Claim(1, "`a.b` is 1.5 wide.", "wrong", "It is 2. Try it.", path, 7),
        Claim(2, "This.", "holds", "So it is.", path, 8),
    ]
    assert "| 1 | `a.b` is 1.5 wide. | wrong | It is 2. Try it. | [00_a](00_a.ipynb) [7] |" in claims.errata()
    assert "This." not in claims.errata()


def test_numbers_are_given_in_reading_order():
    one, two = (
        "> **What the book says (?).** A.",
        "> **What the book says (7).** B.\n\n> **What the book says (1).** C (9).",
    )
    assert claims.number([one, "x (3)", two]) == [
        "> **What the book says (1).** A.",
        "x (3)",
        "> **What the book says (2).** B.\n\n> **What the book says (3).** C (9).",
    ]
