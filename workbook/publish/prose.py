"""The notebooks' prose cells as blocks of Markdown: headings, paragraphs, quotes, tables."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from nbformat import NotebookNode

from workbook.base.notebooks import find

CAPTION = re.compile(r"(Listing|Figure) ([\d-]+)\b")  # the beginning of a bold text
PARSER = MarkdownIt("commonmark").enable("table")


def books(chosen: Sequence[str] = ()) -> Iterator[tuple[Path, NotebookNode]]:
    """Read the `chosen` notebooks, or all, in their order; yield each with its path."""
    for path in find(chosen):
        yield path, nbformat.read(path, as_version=4)


def tree(source: str) -> SyntaxTreeNode:
    """Parse a Markdown text: its blocks are the children of the result.

    Documentation: https://markdown-it-py.readthedocs.io/en/latest/using.html#the-token-stream
    """
    return SyntaxTreeNode(PARSER.parse(source))


def blocks() -> Iterator[tuple[Path, SyntaxTreeNode, int | None]]:
    """Yield each block of the notebooks' prose, with the notebook and the execution count of the next code cell."""
    for path, book in books():
        for index, cell in enumerate(book.cells):
            if cell.cell_type == "markdown":
                after = (each for each in book.cells[index:] if each.cell_type == "code" and each.source.strip())
                count = next((each.execution_count for each in after), None)
                yield from ((path, block, count) for block in tree(cell.source).children)


def text(block: SyntaxTreeNode) -> str:
    """Return a block's Markdown without the block's own marks (`#`, `>`, `|`), on one line."""
    return " ".join(node.content for node in block.walk() if node.type == "inline").replace("\n", " ")


def title(book: NotebookNode) -> str:
    """Return a notebook's title: the heading that its first cell begins with."""
    return text(tree(book.cells[0].source).children[0])


def rows(table: SyntaxTreeNode) -> list[list[str]]:
    """Return the cells of a table, row by row, the header first."""
    return [[text(cell) for cell in row.children] for row in table.walk() if row.type == "tr"]


def captions(part: SyntaxTreeNode) -> list[tuple[str, str]]:
    """Return the captions in a text or a block: each is Listing or Figure, and a number."""
    beginnings = (node.children[0].content for node in part.walk() if node.type == "strong")
    return [(found[1], found[2]) for text in beginnings if (found := CAPTION.match(text))]


def order(number: str) -> list[int]:
    """Return the key that sorts numbers such as 1-2 before 1-10."""
    return [int(part) for part in number.split("-")]
