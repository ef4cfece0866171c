"""The prose of a file, block by block and without markup: documents, notebooks' Markdown cells, Python's comments and strings.

Vale reads documents and Python files itself, but knows neither notebooks nor messages. It also overlooks a phrase across
two lines of a quote, and a word that contains a piece of code of its paragraph, such as *renewed* after `new`.
"""

import ast
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import nbformat
from markdown_it.tree import SyntaxTreeNode

from workbook.publish.prose import tree

SUFFIXES = (".md", ".ipynb", ".py", ".pyi")
CODE = "CODE"


@dataclass(frozen=True)
class Text:
    """A block of prose, such as a paragraph, a heading, or a cell of a table.

    `place` is its line, or its cell in a notebook. `CODE` stands for each piece of code in `text`. `is_running` is false
    for headings and tables, which are not made of sentences.
    """

    place: str
    text: str
    is_running: bool


def texts(path: Path) -> Iterator[Text]:
    """Yield the blocks of prose in a file, by its suffix."""
    if path.suffix == ".ipynb":
        for number, cell in enumerate(nbformat.read(path, as_version=4).cells, start=1):
            if cell.cell_type == "markdown":
                yield from (Text(f"cell {number}", text, running) for _, text, running in blocks(cell.source))
    elif path.suffix == ".md":
        for line, text, running in blocks(path.read_text(encoding="utf-8")):
            yield Text(str(line + 1), text, running)
    else:
        source = path.read_text(encoding="utf-8")
        is_test = path.name.startswith("test_")
        for first, markdown in (*_comments(source), *_strings(source, only_documentation=is_test)):
            # In Markdown, an indented line would be code.
            for line, text, running in blocks(re.sub(r"^[ \t]+", "", markdown, flags=re.MULTILINE)):
                yield Text(str(first + line), text, running)


def blocks(markdown: str) -> Iterator[tuple[int, str, bool]]:
    """Yield each block of a Markdown text: its line, counted from 0, the text, and whether it is running text."""
    for node in tree(markdown).walk():
        if node.type == "inline":
            around = [node, *_ancestors(node)]
            line = next(each.map[0] for each in around if each.map)
            text = re.sub(r"\s+", " ", "".join(map(_text, node.children))).strip()
            yield line, text, not {"heading", "table"} & {each.type for each in around}


def _ancestors(node: SyntaxTreeNode) -> Iterator[SyntaxTreeNode]:
    while node.parent and not node.parent.is_root:
        node = node.parent
        yield node


def _text(node: SyntaxTreeNode) -> str:
    replaced = {"code_inline": CODE, "softbreak": " ", "hardbreak": " ", "text": node.content}
    return replaced[node.type] if node.type in replaced else "".join(map(_text, node.children))


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield the first line and the text of each comment; comments on adjacent lines without code are one."""
    comments: list[tuple[int, list[str]]] = []
    continued = -1  # the line that would belong to the last comment
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line, text = token.start[0], token.string.lstrip("#! ")
            has_no_code = token.line.lstrip().startswith("#")
            if has_no_code and line == continued:
                comments[-1][1].append(text)
            else:
                comments.append((line, [text]))
            continued = line + 1 if has_no_code else -1
    return ((line, "\n".join(lines)) for line, lines in comments)


def _strings(source: str, only_documentation: bool) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each string with a space in it. In an f-string, `…` stands for each value.

    A string that begins with a line break is a program or a style sheet.

    Args:
        source: the module's text.
        only_documentation: leave out the strings that are not docstrings, such as the outputs that a test expects.
    """

    def visit(parent: ast.AST) -> Iterator[tuple[int, str]]:
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                yield from visit(node)
                continue
            is_documentation = isinstance(parent, ast.Expr)
            if " " in text and not text.startswith("\n") and (is_documentation or not only_documentation):
                # Where a line of a message is in the file is not known: it may be joined from several strings.
                yield node.lineno, text if is_documentation else " ".join(text.splitlines())

    return visit(ast.parse(source))
