"""Tables that are written into documents: between two marks, such as the table of the notebooks in README.md."""

from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.publish import prose
from workbook.publish.minutes import minutes


def table() -> str:
    """Return the README's table of the notebooks: a row for each, with its minutes as they were recorded last."""
    lines = ["| notebook | you will | minutes |", "|---|---|---|"]
    for path, book in prose.books():
        _, opening, *_ = prose.tree(book.cells[0].source).children
        does = dict(prose.rows(opening))["**you will**"]
        lines.append(f"| [{prose.title(book)}](notebooks/{path.name}) | {does} | {minutes(book)} |")
    return "\n".join(lines)


def write_between(document: Path, name: str, text: str) -> None:
    """Write `text` into a document, in place of what stands between the two marks of this name.

    Raises:
        WorkbookError: the document does not have both marks; it is left as it was.
    """
    begin, end = f"<!-- {name}: written by `make record` -->\n", f"<!-- end of the {name} -->"
    before, found, rest = document.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise WorkbookError(f"{document.name} has no place for the {name}.", fix=f"Put in these lines: {begin}{end}")
    document.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")
