"""`make record`: execute the notebooks on the tests' cluster, and save outputs and minutes in them and in the documents."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests import documents
from workbook.base.notebooks import find
from workbook.base.paths import ROOT
from workbook.cluster import current
from workbook.machine.session import for_kernels
from workbook.machine.set_up import up
from workbook.publish import errata, index
from workbook.publish.execute import TEST_PROFILE, execute
from workbook.publish.minutes import minutes

ROW = re.compile(r"(\| \*\*minutes\*\* \| )[^|]*(?= \|)")
"""The line of a notebook's opening table that has its minutes."""


def record(*chosen: str) -> int:
    """Execute the notebooks on the tests' cluster; write outputs and minutes into them, and the documents made of them.

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
    documents.write_between(ROOT / "README.md", "chapter table", documents.table())
    documents.write_between(documents.AGENDA, "agenda", documents.agenda())
    index.PAGE.write_text(index.page(), encoding="utf-8")
    errata.PAGE.write_text(errata.page(), encoding="utf-8")
    return 0


def tidy(book: NotebookNode) -> None:
    """Remove the metadata that differ between machines, and write the measured minutes into the opening table."""
    book.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book.metadata["language_info"] = {"name": "python"}
    book.metadata.pop("widgets", None)
    for cell in book.cells:
        cell.metadata.pop("execution", None)
    write_minutes(book)


def write_minutes(book: NotebookNode) -> None:
    """Write the minutes into the opening table of a notebook."""
    book.cells[0].source = ROW.sub(lambda row: f"{row[1]}{minutes(book)}", book.cells[0].source)
