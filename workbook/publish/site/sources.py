"""A Sphinx extension: how the site reads the repository's pages and notebooks.

A folder's README becomes its index page, as it is on GitHub. Solutions are collapsed. GLOSSARY.md becomes a glossary of
Sphinx, to whose terms all links to GLOSSARY.md lead. Nothing is written into the sources.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from sphinx.application import Sphinx
from sphinx.project import Project

from workbook.base.notebooks import NOTEBOOKS
from workbook.publish.handout.collect import IN_JUPYTERLAB
from workbook.publish.handout.sanitize import sanitize

FOLDERS = ("bench", "classroom", "node", "notebooks", "tests", "workbook")
PATTERNS = ["*.md", *(f"{folder}/*.md" for folder in FOLDERS), "notebooks/[0-9][0-9]_*.ipynb"]
"""The paths of the site's sources in the repository."""
GLOSSARY = NOTEBOOKS / "GLOSSARY.md"
ENTRY = re.compile(r'^## <a id="([a-z-]+)"></a>(.+)\n\n(.+)$', re.MULTILINE)
LINK = re.compile(r"\[([^\]]+)\]\(GLOSSARY\.md#([a-z-]+)\)")
BADGES = re.compile(r"^\[!\[.*\n\n", re.MULTILINE)
"""The line of badges in the README. Their addresses are relative to the repository's page on GitHub."""
END_OF_INDEX = Path(__file__).with_name("sphinx") / "end_of_index.md"


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect this module with Sphinx: https://www.sphinx-doc.org/en/master/extdev/event_callbacks.html."""
    app.connect("builder-inited", _name_pages)
    app.connect("source-read", _read)
    app.connect("doctree-read", _omit_empty_headers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Pages(Project):
    """The pages of the site, in which a folder's README is its index page."""

    def path2doc(self, filename: str | os.PathLike[str]) -> str | None:
        """Return the name of the page that is made from a file; None if the file is not a page."""
        name = super().path2doc(filename)
        return re.sub(r"(^|/)README$", r"\1index", name) if name else None


def notebook(book: NotebookNode, number: str) -> NotebookNode:
    """Return a notebook as the site shows it: with its number and its cells' numbers, and only harmless markup in outputs."""
    book.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}  # which knows `%kubectl`
    book.cells[0].source = book.cells[0].source.replace("# ", f"# {number} ", 1)
    cells = []
    for cell in book.cells:
        if cell.cell_type == "markdown":
            cell.source = linked(IN_JUPYTERLAB.sub("", cell.source))
        if "solution" in cell.metadata.get("tags", []):
            cell.metadata.tags.append("hide-cell")  # https://myst-nb.readthedocs.io/en/latest/render/hiding.html
        elif count := cell.get("execution_count"):  # the index and the errata refer to it
            cells.append(new_markdown_cell(f'<p class="count">[{count}]</p>'))
        for data in (output.data for output in cell.get("outputs", []) if "data" in output):
            if "text/html" in data:
                data["text/html"] = sanitize(data["text/html"])
            if "image/png" in data:
                cell.metadata["mystnb"] = {"image": {"alt": data["text/plain"]}}
        cells.append(cell)
    book.cells = cells
    return book


def linked(text: str) -> str:
    """Return a Markdown text whose links to GLOSSARY.md refer to terms of the glossary."""
    return LINK.sub(lambda link: f"{{term}}`{link[1]} <{terms()[link[2]]}>`", text)


@cache
def terms() -> dict[str, str]:
    """Return the terms of GLOSSARY.md, each with its anchor as the key."""
    return {anchor: term for anchor, term, _ in ENTRY.findall(GLOSSARY.read_text(encoding="utf-8"))}


def glossary(text: str) -> str:
    """Return the text of GLOSSARY.md as a glossary of Sphinx."""
    entries = "\n".join(f"{term}\n  {meaning}\n" for _, term, meaning in ENTRY.findall(text))
    return f"{text[: text.index('## ')]}```{{glossary}}\n{entries}```\n"


def _name_pages(app: Sphinx) -> None:
    app.project = app.env.project = Pages(app.srcdir, app.config.source_suffix)


def _read(app: Sphinx, name: str, content: list[str]) -> None:
    path = Path(app.env.doc2path(name))
    if path.suffix == ".ipynb":
        content[0] = nbformat.writes(notebook(nbformat.reads(content[0], as_version=4), path.name[:2]))
        return
    content[0] = glossary(content[0]) if path == GLOSSARY else linked(content[0])
    if name == app.config.root_doc:
        content[0] = BADGES.sub("", content[0]) + END_OF_INDEX.read_text(encoding="utf-8")


def _omit_empty_headers(_app: Sphinx, document: nodes.document) -> None:
    for head in list(document.findall(nodes.thead)):
        if not head.astext().strip():
            head.parent.remove(head)
