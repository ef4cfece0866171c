"""Mermaid diagrams as pictures. JupyterLab draws them as a reader sees them, so the handout needs no JavaScript."""

import re
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from workbook.base.errors import WorkbookError
from workbook.machine.jupyterlab import serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FENCE = re.compile(r"^```mermaid\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
PAGE = "diagrams.md"
DRAWN = ".jp-RenderedMermaid img"


def sources(texts: Iterable[str]) -> list[str]:
    """Return the Mermaid sources in Markdown texts, without repetitions."""
    return list(dict.fromkeys(source.strip() for text in texts for source in FENCE.findall(text)))


def draw(diagrams: list[str], chromium: "Browser") -> dict[str, str]:
    """Draw Mermaid sources; return the address of each picture, an SVG in a `data:` URL.

    Raises:
        WorkbookError: JupyterLab does not start, or cannot draw a diagram.

    Documentation: https://jupyterlab.readthedocs.io/en/stable/user/file_formats.html#mermaid-diagrams
    """
    if not diagrams:
        return {}
    with TemporaryDirectory() as folder, serve(Path(folder), PAGE) as address, chromium.new_page() as page:
        fences = "\n\n".join(f"```mermaid\n{source}\n```" for source in diagrams)
        Path(folder, PAGE).write_text(fences, encoding="utf-8")
        page.add_init_script("Math.random = () => 0.5")  # so that a source always gives the same picture
        try:
            page.goto(address)
            page.locator(DRAWN).nth(len(diagrams) - 1).wait_for(timeout=60_000)
        except Exception as error:
            messages = page.locator(".jp-RenderedMermaid").all_inner_texts()
            raise WorkbookError(
                "JupyterLab did not draw the diagrams.",
                "\n".join(filter(None, messages)) or str(error).splitlines()[0],
                "Open the notebooks with the diagrams in `make lab`, and fix the errors that they show.",
            ) from None
        pictures = page.eval_on_selector_all(DRAWN, "images => images.map(image => image.src)")
    # JupyterLab numbers them in the order in which it began to draw them, which varies.
    pictures = [re.sub(r"jp-mermaid-\d+", "diagram", picture) for picture in pictures]
    return dict(zip(diagrams, pictures, strict=True))
