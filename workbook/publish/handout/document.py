"""The handout as one HTML page: nbconvert converts the cells; this adds a book's anchors, links, captions and lists."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import chain, count, zip_longest
from pathlib import Path

import jinja2
from bs4 import BeautifulSoup, Tag
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook
from traitlets.config import Config

from workbook.base.notebooks import NOTEBOOKS
from workbook.publish import claims, prose
from workbook.publish.handout.collect import FACTS, Chapter
from workbook.publish.handout.sanitize import TERMINAL, sanitize

TEMPLATE = Path(__file__).with_name("template")
GLOSSARY = NOTEBOOKS / "GLOSSARY.md"
CHEAT_SHEET = NOTEBOOKS / "CHEAT-SHEET.md"
UNDIVIDED = {"cheat-sheet", "solutions", "glossary"}
"""The parts whose sections are not in the contents."""
TITLE = "Learn Kubernetes by driving it"
REPEATED = {"Summary", "On your own"}  # sections of each notebook, which the contents omit
WIDE, WIDEST = 92, 122
"""Widths in columns: text wider than the first is printed smaller, so that its lines stay whole, up to the second."""


@dataclass(frozen=True)
class Entry:
    """A line of a list, and the anchor that it links to; for a caption, also Listing or Figure, and its number."""

    anchor: str
    title: str
    category: str = ""
    number: str = ""


@dataclass(frozen=True)
class Part:
    """A part of the handout, with its entries in the contents and in the lists of captions."""

    anchor: str
    title: str
    html: str
    sections: list[Entry]
    captions: list[Entry]


def document(chapters: list[Chapter], facts: dict[str, list[str]]) -> str:
    """Return the page, HTML that loads nothing, from the results of `collect`.

    The places for page numbers are empty, because only paper has pages. Each is a `span.page`, whose `data-page` is the
    anchor on the page.
    """
    anchors = {chapter.name: f"chapter-{chapter.number}" for chapter in chapters}
    parts = [_part(anchors[chapter.name], chapter.title, _convert(chapter.flow), anchors) for chapter in chapters]
    captions = sorted((caption for part in parts for caption in part.captions), key=lambda c: prose.order(c.number))
    glossary = _convert_text(GLOSSARY.read_text(encoding="utf-8"))
    for link in glossary.select("a[id]:not([href])"):
        link.decompose()  # the headings themselves get these anchors
    sheet = _convert_text(CHEAT_SHEET.read_text(encoding="utf-8"))
    appendix = {"Cheat sheet": sheet, "Errata": _errata(), "Solutions": _solutions(chapters), "Glossary": glossary}
    parts += [_part(title.lower().replace(" ", "-"), title, soup, anchors) for title, soup in appendix.items()]
    return _template("document").render(
        title=TITLE,
        style=_style("handout"),
        facts=[(name, " and ".join(facts[fact])) for fact, name in FACTS.items()],
        parts=parts,
        lists=[(name, [c for c in captions if c.category == name]) for name in ("Listing", "Figure")],
    )


def cheat_sheet() -> str:
    """Return the cheat sheet as a page of its own, HTML that loads nothing, for one sheet of paper."""
    soup = _convert_text(CHEAT_SHEET.read_text(encoding="utf-8"))
    _tables(soup)
    style = f"{_style('handout')}\n{_style('cheat-sheet')}"
    return _template("cheat-sheet").render(title=f"{TITLE}: the cheat sheet", style=style, sheet=str(soup))


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATE), autoescape=True, trim_blocks=True)
    return environment.get_template(f"{name}.html.j2")


def _style(name: str) -> str:
    return (TEMPLATE / f"{name}.css").read_text(encoding="utf-8")


def _convert(cells: list[NotebookNode]) -> BeautifulSoup:
    """Convert cells into HTML."""
    book = new_notebook(cells=cells, metadata={"language_info": {"name": "python", "pygments_lexer": "ipython3"}})
    html, _ = _exporter().from_notebook_node(book, resources={"metadata": {"path": str(NOTEBOOKS)}})
    return BeautifulSoup(TERMINAL.sub("", html), "html.parser")


@cache  # it compiles its templates, which takes longer than most conversions
def _exporter() -> HTMLExporter:
    """What converts notebooks into HTML. Documentation: https://nbconvert.readthedocs.io/en/latest/customizing.html"""
    return HTMLExporter(
        template_name="cells",
        extra_template_basedirs=[str(TEMPLATE)],
        exclude_anchor_links=True,
        embed_images=True,
        filters={"sanitize": sanitize},
        config=Config(
            CoalesceStreamsPreprocessor={"enabled": True},  # otherwise each printed line is a separate output
            # The formats that the template supports. Otherwise an output's program or vector graphics hide its text.
            NbConvertBase={"display_data_priority": ["text/html", "text/markdown", "image/png", "text/plain"]},
        ),
    )


def _convert_text(text: str) -> BeautifulSoup:
    return _convert([new_markdown_cell(text)])


def _errata() -> BeautifulSoup:
    """Convert the errata; their last column links to the claims in the chapters."""
    soup = _convert_text(claims.errata())
    known = {str(claim.number): claim for claim in claims.claims()}
    for row in soup.select("tbody tr"):
        claim = known[row("td")[0].get_text()]
        link = soup.new_tag("a", href=f"#claim-{claim.number}")
        link.string = f"{claim.notebook.name[:2]}\N{NO-BREAK SPACE}[{claim.cell}]"
        row("td")[-1].clear()
        row("td")[-1].append(link)
    return soup


def _solutions(chapters: list[Chapter]) -> BeautifulSoup:
    """Convert the solutions. The heading above each solution has its anchor: the exercise's heading, or the chapter's."""
    soup = _convert_text("# Solutions\n\nEach solution was run and passes the checks of its exercise.")
    for chapter in chapters:
        heading = _append_heading(soup, f"## {chapter.title}")
        for solution in chapter.solutions:
            if len(chapter.solutions) > 1:
                heading = _append_heading(soup, f"### {solution.heading}")
            heading["id"] = solution.anchor
            soup.append(_convert(solution.cells))
    return soup


def _append_heading(soup: BeautifulSoup, text: str) -> Tag:
    """Append a heading, which is given as Markdown, and return it."""
    section = _convert_text(text)
    heading = section.select("h2, h3")[0]
    soup.append(section)
    return heading


def _part(anchor: str, title: str, soup: BeautifulSoup, anchors: dict[str, str]) -> Part:
    sections = []
    taken = {str(tag["id"]) for tag in soup.select("[id]")}
    for heading in soup.select("h1, h2, h3, h4, h5"):
        level = int(heading.name[1]) + 1  # the page's own title is the h1
        heading.name = f"h{level}"
        text = heading.get_text()
        if level == 2:
            heading["id"] = f"{anchor}-title"
            heading.string = title
        elif "id" not in heading.attrs:
            heading["id"] = _free(taken, f"{anchor}-{re.sub(r'[^a-z0-9]+', '-', text.lower()).strip('-')}")
        if level == 3 and text not in REPEATED and anchor not in UNDIVIDED:
            sections.append(Entry(str(heading["id"]), text))
    captions = list(filter(None, (_caption(taken, strong, anchor) for strong in soup.select("p strong"))))
    for strong in soup.select("blockquote strong"):
        if found := claims.HEADING.match(strong.get_text()):
            strong["id"] = f"claim-{found[1]}"
    for command in soup.select("pre [style^=color]"):  # printed in one gray for light and dark; here, each has its own
        del command["style"]
        command["class"] = "command"
    _tables(soup)
    _links(soup, anchors)
    _widths(soup)
    return Part(anchor, title, str(soup), sections, captions)


def _free(taken: set[str], anchor: str) -> str:
    """Return `anchor`, with a number appended when it is taken, and add it to the anchors that are."""
    names = chain([anchor], (f"{anchor}-{number}" for number in count(2)))
    free = next(name for name in names if name not in taken)
    taken.add(free)
    return free


def _caption(taken: set[str], strong: Tag, part: str) -> Entry | None:
    """Give a caption an anchor. Its title is the rest of the bold text, or else the first sentence after it."""
    text = strong.get_text()
    if not (found := prose.CAPTION.match(text)):
        return None
    strong["id"] = anchor = _free(taken, f"{part}-{found[1].lower()}-{found[2]}")
    strong["class"] = "caption"
    strong.find_parents("p")[0]["class"] = "captioned"
    rest = re.sub(r"^\W+", "", text[found.end() :]).rstrip(":. ")
    after = [node for node in strong.next_siblings if not (isinstance(node, Tag) and node.name == "strong")]
    words = "".join(node.get_text() for node in after).strip(" ,\n")
    title = rest or re.split(r"[.:;](?:\s|$)", words, maxsplit=1)[0]
    return Entry(anchor, " ".join(title.split()), found[1], found[2])


def _tables(soup: BeautifulSoup) -> None:
    """Mark the headers of tables for screen readers, and let wide tables scroll."""
    for table in soup("table"):
        if (head := table.find("thead")) and not head.get_text().strip():
            head.decompose()
        for cell in table.select("thead th, thead td"):
            if cell.name == "th" and not cell.get_text().strip():
                cell.name = "td"
            else:
                cell["scope"] = "col"
        for cell in table.select("tbody th"):
            cell["scope"] = "row"
        wrapper = {"class": "table", "tabindex": "0", "role": "group", "aria-label": "table"}
        table.wrap(soup.new_tag("div", attrs=wrapper))


def _links(soup: BeautifulSoup, anchors: dict[str, str]) -> None:
    """Make links to notebooks lead to their chapters, with places for page numbers. Links to other files become text."""
    for link in soup("a", href=True):
        target = str(link["href"])
        if target.startswith(f"{GLOSSARY.name}#"):  # no page number: the glossary is in alphabetical order
            link["href"] = target.replace(f"{GLOSSARY.name}#", "#glossary-")
        elif target.startswith("#") or target in anchors:
            anchor = anchors.get(target, target.removeprefix("#"))
            link["href"] = f"#{anchor}"
            link.insert_after(soup.new_tag("span", attrs={"class": "page", "data-page": anchor}))
        elif not re.match(r"https?:", target):
            if target not in link.get_text():
                link.append(f" ({target})")
            link.unwrap()


def _widths(soup: BeautifulSoup) -> None:
    """Pass the widths, in columns, of texts and tables that are wider than a page to the style sheet."""
    for text in soup("pre"):
        width = max(map(len, text.get_text().splitlines()), default=0)
        if WIDE < width <= WIDEST:
            text["style"] = f"--columns: {width}"
    for table in soup("table"):
        rows = [[_longest(cell.get_text()) + 2 for cell in row(["th", "td"])] for row in table("tr")]
        if (width := sum(map(max, zip_longest(*rows, fillvalue=0)))) > WIDE:
            table["style"] = f"--columns: {width}"


def _longest(text: str) -> int:
    """Return the length of the longest stretch that a browser keeps on one line. It can break a line after a hyphen."""
    return max(map(len, re.findall(r"[^\s-]+-?|-", text)), default=0)
