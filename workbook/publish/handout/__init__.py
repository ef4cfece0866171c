"""The handout: the recorded notebooks as one HTML file and one PDF, to hand out or to print. Making it needs no cluster."""

import time
from pathlib import Path

from workbook.base.paths import ROOT
from workbook.machine.browser import browser
from workbook.publish.handout import collect, document, pdf


def handout() -> None:
    """Make build/handout.html and build/handout.pdf, and print their sizes.

    Raises:
        WorkbookError: a notebook was not recorded, or no browser is installed.
    """
    begun = time.monotonic()
    page, paper, count = make(ROOT / "build")
    for file, more in ((page, ""), (paper, f", {count} pages")):
        print(f"✓ {file} ({file.stat().st_size / 1e6:.1f} MB{more})")
    print(f"Made in {time.monotonic() - begun:.0f} s.")


def make(folder: Path) -> tuple[Path, Path, int]:
    """Make handout.html and handout.pdf in `folder`, as `handout` does; return both paths, and the number of pages."""
    chapters, facts = collect.collect()
    page, paper = folder / "handout.html", folder / "handout.pdf"
    folder.mkdir(parents=True, exist_ok=True)
    page.write_text(document.document(chapters, facts), encoding="utf-8")
    with browser() as chromium:
        count = pdf.print_pdf(page, paper, chromium)
    return page, paper, count
