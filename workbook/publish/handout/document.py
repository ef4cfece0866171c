"""The handout as one HTML page: cells by nbconvert, then what makes a book of them: anchors, links, captions, lists."""

import re
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import jinja2
from bs4 import BeautifulSoup, Tag
from nbconvert import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook
from traitlets.config import Config

from workbook.base.notebooks import NOTEBOOKS
from workbook.publish import errata
from workbook.publish.handout import diagrams
from workbook.publish.handout.collect import Chapter
from workbook.publish.index import CAPTION

TEMPLATE = Path(__file__).with_name("template")
GLOSSARY = NOTEBOOKS / "GLOSSARY.md"
TITLE = "Kubernetes, taught by driving it"
SUBTITLE = (
    "The workbook's notebooks to read on paper: every listing, figure and experiment, with what a cluster has answered"
)
NAMES = {"kubernetes": "Kubernetes", "provider": "Cluster", "python": "Python", "date": "Recorded on"}
PICTURE = '<div class="diagram"><img src="{}" alt="A diagram: the words below say what it shows."></div>'
REPEATED = {"Summary", "On your own"}
"""Sections that each notebook has: the contents leave them out."""
WIDE, WIDEST = 92, 122
"""Columns of text that is printed smaller, so that its lines stay whole. What is wider still is broken."""


@dataclass(frozen=True)
class Entry:
    """A line of a list: where it leads, and what it says (`label` in front, for captions)."""

    anchor: str
    title: str
    kind: str = ""
    number: str = ""
    label: str = ""


@dataclass
class Part:
    """A chapter of the handout: its HTML, and what the lists say of it."""

    anchor: str
    title: str
    html: str
    sections: list[Entry] = field(default_factory=list)
    captions: list[Entry] = field(default_factory=list)


def document(chapters: list[Chapter], facts: dict[str, list[str]], pictures: dict[str, str]) -> str:
    """The page.

    Args:
        chapters: from `collect`.
        facts: what they were recorded with, from `collect`.
        pictures: each Mermaid source's picture, from `diagrams.draw`.

    Returns:
        HTML that loads nothing from anywhere. The places for page numbers (`span.page`, each with the anchor of what it
        tells the page of in `data-page`) are empty: only paper has pages.
    """
    anchors = {f"{chapter.name}.ipynb": f"chapter-{chapter.number}" for chapter in chapters}
    parts = [
        _part(
            f"chapter-{chapter.number}",
            f"{chapter.number} {chapter.title}",
            _convert(_draw(chapter.flow, pictures)),
            anchors,
        )
        for chapter in chapters
    ]
    captions = [caption for part in parts for caption in part.captions]
    parts.append(_part("errata", "Errata", _errata(parts), anchors | {"ERRATA.md": "errata"}))
    parts.append(_part("solutions", "Solutions", _solutions(chapters), anchors))
    parts.append(_part("glossary", "Glossary", _glossary(), anchors))
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATE), autoescape=True, trim_blocks=True)
    return environment.get_template("document.html.j2").render(
        title=TITLE,
        subtitle=SUBTITLE,
        style=(TEMPLATE / "handout.css").read_text(encoding="utf-8"),
        facts=[(name, " and ".join(facts[fact])) for fact, name in NAMES.items()],
        parts=parts,
        lists=[(kind, sorted((c for c in captions if c.kind == kind), key=_order)) for kind in ("Listing", "Figure")],
    )


def _order(caption: Entry) -> list[int]:
    return [int(part) for part in caption.number.split("-")]


def _draw(cells: list, pictures: dict[str, str]) -> list:
    """Puts pictures in the place of diagrams, before nbconvert takes their `<br>` for its own."""
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = diagrams.FENCE.sub(lambda found: PICTURE.format(pictures[found[1].strip()]), cell.source)
    return cells


def _convert(cells: list) -> BeautifulSoup:
    """Cells as HTML. Documentation: https://nbconvert.readthedocs.io/en/latest/customizing.html"""
    exporter = HTMLExporter(
        template_name="cells",
        extra_template_basedirs=[str(TEMPLATE)],
        exclude_anchor_links=True,
        config=Config(CoalesceStreamsPreprocessor={"enabled": True}),  # else each line printed is an output of its own
    )
    book = new_notebook(cells=cells, metadata={"language_info": {"name": "python", "pygments_lexer": "ipython3"}})
    html, _ = exporter.from_notebook_node(book)
    return BeautifulSoup(html, "html.parser")


def _errata(parts: list[Part]) -> BeautifulSoup:
    """The page of the notebooks' folder, where each place leads to the experiment itself."""
    soup = _convert([new_markdown_cell(errata.page())])
    experiments = {
        (part.anchor, caption.number): caption for part in reversed(parts) for caption in part.captions[::-1]
    }
    for row, wrong in zip(soup.select("tbody tr"), errata.errata(), strict=True):
        place = row("td")[-1]
        part = f"chapter-{wrong.notebook.name[:2]}"
        place.string = ""
        link = soup.new_tag("a", href=f"#{experiments[part, str(wrong.number)].anchor}")
        link.string = f"{wrong.notebook.name[:2]}\N{NO-BREAK SPACE}[{wrong.cell}]"
        place.append(link)
    soup.select("th")[-1].string = "notebook [cell]"
    return soup


def _solutions(chapters: list[Chapter]) -> BeautifulSoup:
    soup = BeautifulSoup("", "html.parser")
    soup.append(_convert([new_markdown_cell("# Solutions\n\nEach was run, and its exercise is done by it.")]))
    for chapter in chapters:
        soup.append(_convert([new_markdown_cell(f"## {chapter.number} {chapter.title}")]))
        for solution in chapter.solutions:
            if len(chapter.solutions) > 1:
                soup.append(_convert([new_markdown_cell(f"### {solution.heading}")]))
            soup.find_all(re.compile("^h[1-6]$"))[-1]["id"] = solution.anchor
            soup.append(_convert(solution.cells))
    return soup


def _glossary() -> BeautifulSoup:
    """The page of the notebooks' folder; each term's heading is its anchor here, too."""
    soup = _convert([new_markdown_cell(GLOSSARY.read_text(encoding="utf-8"))])
    for anchor in soup.select("a[id]:not([href])"):
        anchor.decompose()
    return soup


def _part(anchor: str, title: str, soup: BeautifulSoup, anchors: dict[str, str]) -> Part:
    part = Part(anchor, title, "")
    for heading in soup.find_all(re.compile(r"^h[1-5]$")):
        level = int(heading.name[1]) + 1  # the page's own title is the h1
        heading.name = f"h{level}"
        text = heading.get_text()
        if level == 2:
            heading["id"] = f"{anchor}-title"
            heading.string = title
        elif "id" not in heading.attrs:
            heading["id"] = _free(soup, f"{anchor}-{re.sub(r'[^a-z0-9]+', '-', text.lower()).strip('-')}")
        if level == 3 and text not in REPEATED and anchor not in ("solutions", "glossary"):
            part.sections.append(Entry(heading["id"], text))
    for strong in soup.select("p strong"):
        if caption := _caption(soup, strong, anchor):
            part.captions.append(caption)
    _pages(soup)
    _tables(soup)
    _links(soup, anchors)
    _widths(soup)
    part.html = str(soup)
    return part


def _free(soup: BeautifulSoup, anchor: str) -> str:
    """`anchor`, with a number behind it where it is taken."""
    taken = {tag["id"] for tag in soup.select("[id]")}
    return next(name for name in (anchor, *(f"{anchor}-{count}" for count in range(2, 99))) if name not in taken)


def _caption(soup: BeautifulSoup, strong: Tag, part: str) -> Entry | None:
    """Makes an anchor of a caption; its title is what is left of it, or the first sentence behind it."""
    found = CAPTION.fullmatch(f"**{strong.get_text()}**")
    if not found:
        return None
    kind, number = found[1].capitalize(), found[2]
    label = f"{kind} {number}."
    strong["id"] = _free(soup, f"{part}-{kind.lower()}-{number}")
    strong["class"] = "caption"
    strong.find_parent("p")["class"] = "captioned"
    rest = re.sub(rf"^{kind} {number}\W*", "", strong.get_text(), flags=re.IGNORECASE).rstrip(":. ")
    words = "".join(node.get_text() for node in strong.next_siblings if node.name != "strong").strip(" ,\n")
    title = rest or re.match(r"(.*?)(?:[.:;](?:\s|$)|$)", words, re.DOTALL)[1]
    return Entry(strong["id"], " ".join(title.split()), kind, number, label)


def _pages(soup: BeautifulSoup) -> None:
    """A page that a browser was shown in a frame becomes a part of this one: frames have no height of their own on paper."""
    for frame in soup.select("iframe[srcdoc]"):
        body = BeautifulSoup(frame["srcdoc"], "html.parser").body
        for tag in body(["script", "style"]):
            tag.decompose()
        for tag in body(True):
            if tag.name in ("h1", "h2", "h3", "main", "header", "footer", "nav"):
                tag.name, tag["class"] = "div", "title" if tag.name.startswith("h") else "body"
            tag.attrs = {key: value for key, value in tag.attrs.items() if key == "class"}
        body.name = "div"
        frame.replace_with(body)
    for figure in soup.select(".output figure"):
        for tag in (figure, *figure(style=True)):
            del tag["style"]


def _tables(soup: BeautifulSoup) -> None:
    for table in soup("table"):
        if head := table.find("thead"):
            if not head.get_text().strip():
                head.decompose()
            for cell in head(["th", "td"]):
                cell["scope"] = "col"
                if cell.name == "th" and not cell.get_text().strip():
                    cell.name = "td"
                    del cell["scope"]
        for cell in table.select("tbody th"):
            cell["scope"] = "row"
        for tag in (table, *table(True)):
            del tag["border"]
            del tag["style"]
        table.wrap(
            soup.new_tag("div", attrs={"class": "table", "tabindex": "0", "role": "group", "aria-label": "table"})
        )
    for style in soup("style"):
        style.decompose()  # pandas brings one with each of its tables


def _links(soup: BeautifulSoup, anchors: dict[str, str]) -> None:
    """Notebooks are chapters here, and their pages are told on paper; the repository's files are not here: their names are."""
    for link in soup("a", href=True):
        target = link["href"]
        if target in anchors:
            link["href"] = f"#{anchors[target]}"
        elif target.startswith(f"{GLOSSARY.name}#"):
            link["href"] = target.replace(f"{GLOSSARY.name}#", "#glossary-")
            continue  # it stands in alphabetical order, and is found without a page
        if link["href"].startswith("#"):
            link.insert_after(soup.new_tag("span", attrs={"class": "page", "data-page": link["href"][1:]}))
        elif not re.match(r"https?:", target):
            if target not in link.get_text():
                link.append(f" ({target})")
            link.unwrap()


def _widths(soup: BeautifulSoup) -> None:
    """Tells the style sheet how wide a text or a table is, when it is wider than a page."""
    for text in soup("pre"):
        width = max(map(len, text.get_text().splitlines()), default=0)
        if WIDE < width <= WIDEST:
            text["style"] = f"--columns: {width}"
    for table in soup("table"):
        rows = [[_longest(cell.get_text()) + 2 for cell in row(["th", "td"])] for row in table("tr")]
        if (width := sum(map(max, zip_longest(*rows, fillvalue=0)))) > WIDE:
            table["style"] = f"--columns: {width}"


def _longest(text: str) -> int:
    """The length of the longest stretch that a browser does not break: it may behind a hyphen."""
    return max(map(len, re.findall(r"[^\s-]+-?|-", text)), default=0)
