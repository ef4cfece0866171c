"""The glossary, notebooks/GLOSSARY.md: well formed, with each of its terms linked where the notebooks use it first."""

import re
from collections.abc import Iterator

import nbformat
import pytest

from workbook.base.notebooks import NOTEBOOKS, find

GLOSSARY = NOTEBOOKS / "GLOSSARY.md"
ENTRY = re.compile(r'^## <a id="([a-z-]+)"></a>(.+)\n\n(.+)$', re.MULTILINE)
# Not running text: code, headings, the opening table (the README shows it, too), addresses, tags, the words of links.
NO_PROSE = re.compile(
    r"```[\s\S]*?```|`[^`\n]*`|^#.*$|^\| \*\*(?:You will|You learn|You need|Time)\*\* \|.*$"
    r"|!?\[[^\]\n]*\]\([^)\n]*\)|<[^>\n]*>|https?://\S+",
    re.MULTILINE,
)


def entries() -> dict[str, tuple[str, str]]:
    """Return the glossary's terms, each with its anchor and its text."""
    return {term: (anchor, text) for anchor, term, text in ENTRY.findall(GLOSSARY.read_text(encoding="utf-8"))}


def words(terms) -> re.Pattern:
    """Return a pattern for the terms, the longest first, in singular and plural, and capitalized as at the start of a sentence."""

    def forms(term: str) -> str:
        initial = f"[{term[0]}{term[0].upper()}]" if term[0].islower() else re.escape(term[0])
        ending = rf"{re.escape(term[1:-1])}(?:y|ies)" if term.endswith("y") else rf"{re.escape(term[1:])}(?:e?s)?"
        return (initial + ending).replace(r"\ ", r"\s")

    by_length = sorted(terms, key=len, reverse=True)
    groups = "|".join(f"(?P<t{list(terms).index(term)}>{forms(term)})" for term in by_length)
    return re.compile(rf"(?<![\w.-])(?:{groups})(?![\w-])")


def first_uses(sources: list[str], terms) -> dict[str, tuple[int, int, int]]:
    """Return where each term is used first in running text: the number of the source, the first character, and the end.

    A link to the glossary counts as running text: it is the use that it marks.
    """
    names, pattern, found = list(terms), words(terms), {}
    for number, source in enumerate(sources):
        for match in pattern.finditer(_masked(source)):
            term = names[int(match.lastgroup[1:])]
            found.setdefault(term, (number, *match.span()))
    return found


def _masked(source: str) -> str:
    """Return the source with NUL in place of each character that is not running text."""

    def blot(match: re.Match) -> str:
        if link := re.fullmatch(r"(\[)([^\]]*)(\]\(GLOSSARY\.md#[a-z-]+\))", match.group(), re.DOTALL):
            return f"\0{link.group(2)}{chr(0) * len(link.group(3))}"
        return "\0" * len(match.group())

    return NO_PROSE.sub(blot, source)


def prose() -> list[str]:
    """Return the markdown cells of all notebooks, in their order."""
    return [
        cell.source
        for path in find()
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    ]


def links(source: str) -> Iterator[re.Match]:
    """Find the links to the glossary."""
    return re.finditer(r"\[([^\]]*)\]\(GLOSSARY\.md#([a-z-]+)\)", source)


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
    sources, known = prose(), entries()
    uses = first_uses(sources, known)
    everything = "\n".join(sources).casefold()
    assert [term for term in known if term.casefold() not in everything] == [], "terms that no notebook uses"
    linked = {
        (number, match.start(1), match.end(1)): match.group(2)
        for number, source in enumerate(sources)
        for match in links(source)
    }
    wanted = {place: known[term][0] for term, place in uses.items()}
    assert linked == wanted, {
        sources[number][max(0, begin - 60) : end + 40] for number, begin, end in linked.keys() ^ wanted.keys()
    }


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("A Pod runs. Two Pods run.", "Pod"),
        ("## Pods\n`Pod` [Pods](x.md) <Pod>\n```\nPod\n```\nthe Pods", "Pods"),
        ("| **You will** | see Pods |\n| a | Pods |", "Pods"),
        ("a static Pod, a Pod", "Pod"),
        ("Registries, a registry", "Registries"),
        ("some [Pods](GLOSSARY.md#pod) and Pods", "Pods"),
    ],
)
def test_what_counts_as_the_first_use(source, used):
    terms = ["Pod", "static Pod", "registry"]
    (place,) = (place for term, place in first_uses([source], terms).items() if term in ("Pod", "registry"))
    assert source[place[1] : place[2]] == used
