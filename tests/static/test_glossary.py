"""The glossary: well formed, with each of its terms linked where the notebooks use it first."""

import re

import pytest

from tests.glossary import GLOSSARY, entries, first_uses, link, sources
from workbook.base.notebooks import NOTEBOOKS


def test_terms_are_in_alphabetical_order_without_repetitions():
    headings = re.findall(r"^## .*$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(headings) == len(entries()) > 30
    assert list(entries()) == sorted(entries(), key=str.casefold)


@pytest.mark.parametrize("term", entries())
def test_an_entry_is_short_and_names_notebook_and_documentation(term):
    anchor, text = entries()[term]
    assert anchor == term.lower().replace(" ", "-")
    meaning, notebook = re.fullmatch(
        r"(.+\.) Notebook \[\d\d\]\((\S+\.ipynb)\)\. \[Documentation\]\(https://kubernetes\.io/docs/\S+\)", text
    ).groups()
    assert 1 <= len(re.findall(r"\.(?= |$)", meaning)) <= 3
    assert (NOTEBOOKS / notebook).exists()


def test_each_term_is_linked_at_its_first_use_and_nowhere_else():
    texts, known = sources(), entries()
    everything = "\n".join(texts).casefold()
    assert [term for term in known if term.casefold() not in everything] == [], "terms that no notebook uses"
    assert texts == link(texts), "run `make record`"


def test_links_are_moved_to_the_first_use():
    one, two = "A [Pod](GLOSSARY.md#pod) and another Pod.", "Two [Pods](GLOSSARY.md#pod) in a *Namespace*."
    assert link(["Pods run.", one, two]) == [
        "[Pods](GLOSSARY.md#pod) run.",
        "A Pod and another Pod.",
        "Two Pods in a *[Namespace](GLOSSARY.md#namespace)*.",
    ]


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("A Pod runs. Two Pods run.", "Pod"),
        ("## Pods\n`Pod` [Pods](x.md) <Pod>\n```\nPod\n```\nthe Pods", "Pods"),
        ("| **You will** | see Pods |\n| a | Pods |", "Pods"),
        ("a static Pod, a Pod", "Pod"),
        ("Registries, a registry", "Registries"),
        ("The book *Getting Started with Pods*. A Pod", "Pod"),
        ("some [Pods](GLOSSARY.md#pod) and Pods", "Pods"),
    ],
)
def test_what_counts_as_the_first_use(source, used):
    terms = ["Pod", "static Pod", "registry"]
    (place,) = (place for term, place in first_uses([source], terms).items() if term in ("Pod", "registry"))
    assert source[place[1] : place[2]] == used
