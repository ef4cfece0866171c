"""Prints the handout by a browser, with the numbers of its pages."""

from pathlib import Path
from typing import TYPE_CHECKING

from pypdf import PdfReader

from workbook.base.errors import WorkbookError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROUNDS = 4
"""Printings at most: the first finds the pages, the second tells them, a third is needed when that has moved one."""
FILL = """pages => document.querySelectorAll("[data-page]").forEach(place => place.textContent = pages[place.dataset.page])"""


def print_pdf(page: Path, target: Path, chromium: "Browser") -> int:
    """Prints a page as PDF: tagged, with an outline, and a page number in each `data-page` of it.

    CSS has `target-counter()` for those numbers, which browsers do not know. So it is printed again until the numbers told are those found.

    Args:
        page: the HTML file.
        target: the PDF file.
        chromium: a browser that runs.

    Returns:
        How many pages it has.

    Raises:
        WorkbookError: a link leads nowhere, or the numbers do not come to rest.

    Documentation: https://playwright.dev/python/docs/api/class-page#page-pdf
    """
    opened = chromium.new_page()
    try:
        opened.goto(page.as_uri())
        places = opened.eval_on_selector_all("[data-page]", "places => places.map(place => place.dataset.page)")
        told = dict.fromkeys(places, 0)
        for _ in range(ROUNDS):
            opened.evaluate(FILL, told)
            opened.pdf(path=target, prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
            found, count = pages(target)
            if lost := told.keys() - found:
                raise WorkbookError(f"Links of the handout lead nowhere: {', '.join(sorted(lost))}.")
            if all(told[anchor] == found[anchor] for anchor in told):
                return count
            told = {anchor: found[anchor] for anchor in told}
        raise WorkbookError(f"The handout's page numbers have not come to rest in {ROUNDS} printings.")
    finally:
        opened.close()


def pages(file: Path) -> tuple[dict[str, int], int]:
    """On which page of a PDF each anchor is that a link leads to; and how many pages there are."""
    reader = PdfReader(file)
    numbers = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages, start=1)}
    return {name.lstrip("/"): numbers[place.page.idnum] for name, place in reader.named_destinations.items()}, len(
        reader.pages
    )
