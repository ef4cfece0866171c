"""Print the handout in a browser, with page numbers in its lists and links."""

from pathlib import Path
from typing import TYPE_CHECKING

from pypdf import PdfReader

from workbook.base.errors import WorkbookError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PRINTINGS = 4
"""Most printings: the first finds the page numbers, the second shows them, and others follow if that moves pages."""
FILL = """pages => document.querySelectorAll("[data-page]").forEach(place => place.textContent = pages[place.dataset.page])"""


def print_pdf(page: Path, target: Path, chromium: "Browser") -> int:
    """Print a page as a tagged PDF with an outline, and a page number in each `data-page`; return the number of pages.

    Browsers do not support `target-counter()`, CSS's function for these numbers. So the page is printed until its numbers
    are right.

    Raises:
        WorkbookError: a link leads nowhere, or the numbers change with each printing.

    Documentation: https://playwright.dev/python/docs/api/class-page#page-pdf
    """
    with chromium.new_page() as opened:
        opened.goto(page.as_uri())
        anchors = opened.eval_on_selector_all("[data-page]", "places => places.map(place => place.dataset.page)")
        shown: dict[str, int] = dict.fromkeys(anchors, 0)
        for _ in range(PRINTINGS):
            opened.evaluate(FILL, shown)
            _print(opened, target)
            found, count = pages(target)
            if lost := shown.keys() - found:
                raise WorkbookError(f"Links of the handout lead nowhere: {', '.join(sorted(lost))}.")
            actual = {anchor: found[anchor] for anchor in shown}
            if shown == actual:
                return count
            shown = actual
        raise WorkbookError(f"The handout's page numbers still change after {PRINTINGS} printings.")


def print_text(html: str, target: Path, chromium: "Browser") -> None:
    """Print a page, given as HTML, as a tagged PDF."""
    with chromium.new_page() as opened:
        opened.set_content(html)
        _print(opened, target)


def _print(page: "Page", target: Path) -> None:
    page.pdf(path=target, prefer_css_page_size=True, print_background=True, outline=True, tagged=True)


def pages(file: Path) -> tuple[dict[str, int], int]:
    """Return the page number of each link target in a PDF, and the number of pages."""
    reader = PdfReader(file)
    indexes = {name: reader.get_destination_page_number(place) for name, place in reader.named_destinations.items()}
    numbers = {name.lstrip("/"): index + 1 for name, index in indexes.items() if index is not None}
    return numbers, len(reader.pages)
