"""How easy the prose reads, in numbers: listed words, and the lengths of sentences."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from rich.table import Table

from tests.prose.texts import texts
from workbook.base.paths import ROOT

RULES = sorted((Path(__file__).parent / "styles" / "Workbook").glob("*.yml"))
LONG = 25
"""How many words a sentence may have at most, as a rule."""
END = re.compile(r"(?<=[.!?])[\")*]*\s+(?=[A-Z\"(*0-9])")
LABEL = re.compile(r"^((Listing|Figure|Notebook) [\d-]+|What the book says \((\d+|\?)\)|Today: \w+)\.\s*")
"""The label of a caption, of a claim of the book, or at the end of an entry of the glossary: it isn't a sentence."""


@dataclass(frozen=True)
class Figures:
    """The sentences of a text, as their numbers of words; and the words in them that a rule lists."""

    lengths: tuple[int, ...]
    listed: tuple[str, ...]

    @property
    def words(self) -> int:
        """How many words the text has."""
        return sum(self.lengths)

    @property
    def listed_per_1000(self) -> float:
        """How many of 1,000 words are listed."""
        return 1000 * len(self.listed) / max(self.words, 1)

    @property
    def mean(self) -> float:
        """The mean number of words in a sentence."""
        return self.words / max(len(self.lengths), 1)

    @property
    def share_of_long(self) -> float:
        """The share of sentences that are longer than `LONG`."""
        return sum(length > LONG for length in self.lengths) / max(len(self.lengths), 1)


def total(parts: Iterable[Figures]) -> Figures:
    """The figures of several texts together."""
    lengths, listed = zip(*((part.lengths, part.listed) for part in parts), strict=True)
    return Figures(sum(lengths, ()), sum(listed, ()))


def measure(path: Path) -> Figures:
    """Measure the sentences of a notebook or a document."""
    found = [*sentences(path)]
    lengths = tuple(len(sentence.split()) for sentence in found)
    return Figures(lengths, tuple(word for sentence in found for word in listed(sentence)))


def listed(sentence: str) -> list[str]:
    """The words in a sentence that a rule lists."""
    return [match[0] for pattern in _patterns() for match in pattern.finditer(sentence)]


@cache
def _patterns() -> list[re.Pattern[str]]:
    """The rules' words, the doubtful ones included, as Vale compiles them."""
    rules = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in RULES]
    words = [word for rule in rules for word in rule.get("swap") or rule.get("tokens", [])]
    return [re.compile(rf"\b(?:{word})\b", re.IGNORECASE) for word in words]


def sentences(path: Path) -> Iterator[str]:
    """Yield the sentences of a file: of its paragraphs, lists and quotes."""
    for block in texts(path):
        if block.is_running:
            parts = (LABEL.sub("", part) for part in END.split(block.text))
            yield from (part for part in parts if len(part.split()) > 1)


def table(title: str, paths: Sequence[Path]) -> Table:
    """A row for each of these files, and one for all."""
    columns = ("words", "sentences", "listed per 1,000", "words per sentence", f"over {LONG} words")
    made = Table(title, *columns)
    for column in made.columns[1:]:
        column.justify = "right"
    measured = {path.relative_to(ROOT).as_posix(): measure(path) for path in paths}
    for name, found in {**measured, "all": total(measured.values())}.items():
        figures = (f"{found.listed_per_1000:.1f}", f"{found.mean:.1f}", f"{found.share_of_long:.0%}")
        made.add_row(name, str(found.words), str(len(found.lengths)), *figures)
    return made
