"""Pictures in the workbook's visual language, as SVG: those of the notebooks, and the overview of a namespace.

All are 480 units wide with text of 15, so that they can be read on a phone. They follow the system's light or dark mode, print in
black on white, and never rely on color alone.
"""

from html import escape

WIDTH, LINE = 480, 19
STYLE = """
svg { --paper: #fff; --ink: #1b1b1b; --fill: #eef3f8; --accent: #0b5cad; --second: #a34700; --second-fill: #fdf1e6; --muted: #5a5a5a }
@media (prefers-color-scheme: dark) { svg { --paper: #1e1e1e; --ink: #ececec; --fill: #26323e; --accent: #7db8f0; --second: #f0a868;
  --second-fill: #3a2c20; --muted: #b0b0b0 } }
@media print { svg { --paper: #fff; --ink: #000; --fill: #fff; --accent: #000; --second: #000; --second-fill: #fff; --muted: #333 } }
text { font: 15px system-ui, sans-serif; fill: var(--ink) }
.title { font-weight: 600 }
.code { font-family: ui-monospace, monospace; font-size: 14px }
.note { fill: var(--muted); font-size: 14px }
.box { fill: var(--fill); stroke: var(--accent); stroke-width: 1.5 }
.second { fill: var(--second-fill); stroke: var(--second); stroke-width: 1.5; stroke-dasharray: 6 3 }
.frame { fill: none; stroke: var(--muted); stroke-width: 1.2; stroke-dasharray: 2 4 }
.line { fill: none; stroke: var(--ink); stroke-width: 1.5 }
.dashed { stroke-dasharray: 5 4 }
marker path { fill: var(--ink) }
"""


class Picture:
    """A picture that is being drawn; coordinates count from the top left corner.

    Args:
        height: its height, in units of which `WIDTH` are its width.
        title: what it shows, in a few words, for screen readers.
    """

    def __init__(self, height: int, title: str) -> None:
        self.height, self.title = height, title
        self.parts: list[str] = []

    def text(self, x: float, y: float, words: str, style: str = "", anchor: str = "middle") -> None:
        """Write a line of text around, from or up to a point, at the height of its baseline."""
        self.parts.append(f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" class="{style}">{escape(words)}</text>')

    def box(self, x: float, y: float, width: float, height: float, *lines: str, style: str = "box") -> None:
        """Draw a box with lines in its middle. The first is its title; one that begins with ` is code, with ~ a note."""
        self.parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="7" class="{style}"/>')
        top = y + height / 2 - LINE * (len(lines) - 1) / 2 + 5
        for number, line in enumerate(lines):
            kind = {"`": "code", "~": "note"}.get(line[0], "" if number else "title")
            self.text(x + width / 2, top + number * LINE, line.lstrip("`~"), kind)

    def frame(self, y: float, height: float, title: str, x: float = 12, width: float = WIDTH - 24) -> None:
        """Draw a frame around what belongs together, with its title at the top left."""
        self.parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="9" class="frame"/>')
        self.text(x + 12, y + 22, title, "note", "start")

    def arrow(self, *points: tuple[float, float], dashed: bool = False, head: bool = True) -> None:
        """Draw a line through the points, with a head at its end."""
        path = " L ".join(f"{x:g} {y:g}" for x, y in points)
        end = ' marker-end="url(#head)"' if head else ""
        self.parts.append(f'<path d="M {path}" class="line{" dashed" if dashed else ""}"{end}/>')

    def svg(self) -> str:
        """Return the whole picture."""
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}" role="img">',
                f"<title>{escape(self.title)}</title>",
                f"<style>{STYLE}</style>",
                '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
                '<path d="M 0 0 L 10 5 L 0 10 z"/></marker></defs>',
                f'<rect width="{WIDTH}" height="{self.height}" rx="10" style="fill: var(--paper)"/>',
                *self.parts,
                "</svg>\n",
            ]
        )
