"""The handout: the recorded notebooks as one HTML file and one PDF, to hand out or to print. Making it needs no cluster."""

import time
from pathlib import Path

from workbook.base.paths import ROOT
from workbook.machine.browser import browser
from workbook.publish.handout import collect, diagrams, document, pdf


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
    sources = diagrams.sources(cell.source for chapter in chapters for cell in chapter.flow)
    with browser() as chromium:
        pictures = diagrams.draw(sources, chromium)
        page.write_text(document.document(chapters, facts, pictures), encoding="utf-8")
        count = pdf.print_pdf(page, paper, chromium)
    return page, paper, count
