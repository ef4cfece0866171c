"""The glossary, notebooks/GLOSSARY.md: its terms, and the links from the notebooks, where each term is used first."""

import re
from collections.abc import Iterator

import nbformat

from workbook.base.notebooks import NOTEBOOKS, find

GLOSSARY = NOTEBOOKS / "GLOSSARY.md"
ENTRY = re.compile(r'^## <a id="([a-z-]+)"></a>(.+)\n\n(.+)$', re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\(GLOSSARY\.md#([a-z-]+)\)")
# Not running text: code, headings, the opening table, addresses, tags, the words of links, the titles of books.
NO_PROSE = re.compile(
    r"```[\s\S]*?```|`[^`\n]*`|^#.*$|^\| \*\*(?:You will|You learn|You need|Time)\*\* \|.*$"
    r"|!?\[[^\]\n]*\]\([^)\n]*\)|<[^>\n]*>|https?://\S+|(?<!\*)\*[A-Z]\w*(?: \w+){3,}\*(?!\*)",
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


def links(source: str) -> Iterator[re.Match]:
    """Find the links to the glossary."""
    return LINK.finditer(source)


def sources() -> list[str]:
    """Return the markdown cells of all notebooks, in their order."""
    return [
        cell.source
        for path in find()
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    ]


def link(sources: list[str]) -> list[str]:
    """Return the prose cells of all notebooks with each term linked at its first use, and nowhere else."""
    linked, known = [LINK.sub(r"\1", source) for source in sources], entries()
    uses = first_uses(linked, known)
    for term, (number, begin, end) in sorted(uses.items(), key=lambda use: use[1], reverse=True):
        words = f"[{linked[number][begin:end]}](GLOSSARY.md#{known[term][0]})"
        linked[number] = linked[number][:begin] + words + linked[number][end:]
    return linked
