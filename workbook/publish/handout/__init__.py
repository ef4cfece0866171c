"""The handout: the recorded notebooks as one HTML file and one PDF, to hand out or to print. Making it needs no cluster."""

import time
from dataclasses import dataclass
from pathlib import Path

from workbook.base.paths import ROOT
from workbook.machine.browser import browser
from workbook.publish.handout import collect, document, pdf

FILES = ("handout.html", "handout.pdf", "cheat-sheet.pdf")


@dataclass(frozen=True)
class Made:
    """The files that were made: the handout as a page and as a PDF, with its number of pages, and the cheat sheet as a PDF."""

    page: Path
    paper: Path
    count: int
    sheet: Path


def handout() -> None:
    """Make build/handout.html, build/handout.pdf and build/cheat-sheet.pdf, and print their sizes.

    Raises:
        WorkbookError: a notebook was not recorded, or no browser is installed.
    """
    begun = time.monotonic()
    made = make(ROOT / "build")
    for file, more in ((made.page, ""), (made.paper, f", {made.count} pages"), (made.sheet, "")):
        print(f"✓ {file} ({file.stat().st_size / 1e6:.1f} MB{more})")
    print(f"Made in {time.monotonic() - begun:.0f} s.")


def make(folder: Path) -> Made:
    """Make `FILES` in `folder`, as `handout` does, and return them."""
    chapters, facts = collect.collect()
    page, paper, sheet = (folder / name for name in FILES)
    folder.mkdir(parents=True, exist_ok=True)
    page.write_text(document.document(chapters, facts), encoding="utf-8")
    with browser() as chromium:
        count = pdf.print_pdf(page, paper, chromium)
        pdf.print_text(document.cheat_sheet(), sheet, chromium)
    return Made(page, paper, count, sheet)
