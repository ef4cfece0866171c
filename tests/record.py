"""`make record`: execute the notebooks on the tests' cluster, and save outputs and times in them and in the documents."""

import os
import platform
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests import documents, glossary, matrix_page
from tests.claims import evidence
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.base.paths import ROOT
from workbook.cluster import current
from workbook.machine.session import for_kernels
from workbook.machine.set_up import up
from workbook.publish import claims, index
from workbook.publish.execute import TEST_PROFILE, execute
from workbook.publish.minutes import write_time

PICTURE = NOTEBOOKS / "images" / "rollout.png"
"""What README shows: the output of the cell with the tag `readme`."""


def record(*chosen: str) -> int:
    """Execute the notebooks on the tests' cluster; write outputs and times into them, and the documents made of them.

    Returns:
        1 when a notebook failed, else 0. Its file is left as it was, and so are the documents.
    """
    paths = find(chosen)
    os.environ.setdefault("WORKBOOK_PROFILE", TEST_PROFILE)  # for the kernels, too
    os.environ.update(for_kernels())
    up()
    facts = {  # for the handout's first page; read here, since a notebook deletes the cluster
        "date": datetime.now(UTC).date().isoformat(),
        "kubernetes": current.api().version(),
        "provider": current.current().provider,
        "python": platform.python_version(),
    }

    def keep(path: Path, book: NotebookNode) -> None:
        if not book.metadata.workbook.get("failed"):
            book.metadata["workbook"] |= facts
            tidy(book)
            nbformat.write(book, path)

    if any(outcome.error for outcome in execute(paths, keep)):
        return 1
    _number_and_link()
    _save_picture()
    documents.write_between(ROOT / "README.md", "chapter table", documents.table())
    documents.write_between(documents.AGENDA, "agenda", documents.agenda())
    index.PAGE.write_text(index.page(evidence()), encoding="utf-8")
    claims.PAGE.write_text(claims.errata(), encoding="utf-8")
    matrix_page.PAGE.write_text(matrix_page.page(matrix_page.results()), encoding="utf-8")
    return 0


def tidy(book: NotebookNode) -> None:
    """Remove the metadata that differ between machines, and write the measured time into the opening table."""
    book.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book.metadata["language_info"] = {"name": "python"}
    book.metadata.pop("widgets", None)
    for cell in book.cells:
        cell.metadata.pop("execution", None)
    write_time(book)


def _number_and_link() -> None:
    """Number the book's claims in reading order, and link each of the glossary's terms where the notebooks use it first."""
    books = {path: nbformat.read(path, as_version=4) for path in find()}
    cells = [cell for book in books.values() for cell in book.cells if cell.cell_type == "markdown"]
    for cell, source in zip(cells, glossary.link(claims.number([cell.source for cell in cells])), strict=True):
        cell.source = source
    for path, book in books.items():
        nbformat.write(book, path)


def _save_picture() -> None:
    cells = [cell for path in find() for cell in nbformat.read(path, as_version=4).cells]
    for cell in (cell for cell in cells if "readme" in cell.metadata.get("tags", [])):
        (output,) = cell.outputs
        PICTURE.write_bytes(b64decode(output.data["image/png"]))
