"""The handout, made once from the committed notebooks: its HTML in a browser, and its PDF page by page."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pypdf import PdfReader

from workbook.base import notebooks
from workbook.base.errors import WorkbookError
from workbook.machine.browser import browser
from workbook.publish import claims, index
from workbook.publish.handout import collect, diagrams, document, make
from workbook.publish.handout.pdf import pages, print_pdf

LIMIT = 5_000_000
A4_WITHIN_MARGINS = 665
"""Pixels of 1/96 inch."""
PHONE = 375
COLORFUL = ["header", "nav", "#chapter-03", "#errata"]
"""Parts that together have all colors."""
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter(element => !["inline", "none"].includes(getComputedStyle(element).display) && element.clientWidth
    && !element.matches(".skip") && !element.closest(screen)
    && (element.scrollWidth > element.clientWidth + 1 || element.getBoundingClientRect().right > innerWidth + 1))
  .map(element => element.outerHTML.slice(0, 200))"""
PAPER = TOO_WIDE.replace("element.closest(screen)", "false")
SCREEN = TOO_WIDE.replace("element.closest(screen)", 'element.closest(".table")')  # those can be scrolled


@dataclass(repr=False)  # pytest would print all of it
class Made:
    """The handout's files, and what is in them."""

    html: Path
    pdf: Path
    count: int
    reader: PdfReader
    texts: list[str]
    soup: BeautifulSoup


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    html, pdf, count = make(tmp_path_factory.mktemp("handout"))
    reader = PdfReader(pdf)
    texts = [page.extract_text() for page in reader.pages]
    soup = BeautifulSoup(html.read_text(encoding="utf-8"), "html.parser")
    return Made(html, pdf, count, reader, texts, soup)


@pytest.fixture(scope="module")
def chromium(made):
    with browser() as started:
        yield started


def squeezed(text):
    """Return a text without white space."""
    return re.sub(r"\s", "", text)


def codes(part):
    """Return the code cells in a part of the page, each with its count."""
    return Counter(squeezed(code.get_text()) for code in part.select(".input .highlight, .todo .highlight"))


def solves(cell):
    """Whether a cell belongs to a solution, or checks the exercise after it."""
    return "solution" in cell.metadata.get("tags", []) or "solution=True" in cell.source


def written(solutions):
    """Return the notebooks' code cells, either those of solutions or the others, each with its count."""
    cells = [cell for path in notebooks.find() for cell in nbformat.read(path, as_version=4).cells]
    return Counter(
        squeezed(cell.source)
        for cell in cells
        if cell.cell_type == "code" and cell.source.strip() and solves(cell) is solutions
    )


def test_it_has_all_notebooks_in_their_order(made):
    titles = [heading.get_text() for heading in made.soup.select("main > section > h2")]
    expected = [
        f"{path.name[:2]} {nbformat.read(path, as_version=4).cells[0].source.splitlines()[0].removeprefix('# ')}"
        for path in notebooks.find()
    ]
    assert titles == [*expected, "Errata", "Solutions", "Glossary"]
    begins = [pages(made.pdf)[0][f"chapter-{path.name[:2]}"] for path in notebooks.find()]
    assert begins == sorted(set(begins))
    for title, number in zip(expected, begins, strict=True):
        assert title in made.texts[number - 1]


def test_each_caption_is_in_a_list_with_its_page(made):
    captions = Counter((category, number) for category, number, *_ in index.captions())
    first = made.soup.select_one("main section")["id"]
    lists = "\n".join(made.texts[: pages(made.pdf)[0][first] - 1])
    printed = re.findall(
        r"^(Listing|Figure) ([\d-]+)\. [^\n]*?(?:\n(?!Listing|Figure)[^\n]*?)*?\s(\d+)$", lists, re.MULTILINE
    )
    assert Counter((category, number) for category, number, _ in printed) == captions
    for category, number, page in printed:
        assert f"{category} {number}" in made.texts[int(page) - 1], (category, number, page)


def test_each_claim_that_does_not_hold_is_among_the_errata_with_its_page(made):
    where, _ = pages(made.pdf)
    rows = made.soup.select("#errata tbody tr")
    assert [row.td.get_text() for row in rows] == [
        str(claim.number) for claim in claims.claims() if claim.verdict != "holds"
    ]
    printed = "\n".join(made.texts[where["errata"] - 1 : where["solutions"] - 1])
    for row in rows:
        page = where[row.select("a")[-1]["href"][1:]]
        assert f"(page {page})" in printed.replace("\N{NO-BREAK SPACE}", " ")
        assert f"What the book says ({row.td.get_text()})" in " ".join(made.texts[page - 1].split())


def test_solutions_are_in_the_appendix_and_nowhere_else(made):
    flow = sum((codes(section) for section in made.soup.select("main > section:not(#solutions)")), Counter())
    assert flow == written(solutions=False)
    assert codes(made.soup.select_one("#solutions")) == written(solutions=True)
    assert made.soup.select("main > section:not(#solutions) a[href^='#solution-']")
    assert "click on the three dots" not in made.soup.get_text()


def test_each_exercise_links_to_its_solution(made):
    places = {link["href"][1:] for link in made.soup.select("main a[href^='#solution-']")}
    assert places == {tag["id"] for tag in made.soup.select("#solutions [id^='solution-']")} and len(places) >= 13


def test_internal_links_lead_somewhere_also_those_to_the_glossary(made):
    places = Counter(tag["id"] for tag in made.soup.select("[id]"))
    assert set(places.values()) == {1}
    targets = {link["href"][1:] for link in made.soup.select("a[href^='#']")}
    assert targets <= places.keys()
    assert len([target for target in targets if target.startswith("glossary-")]) > 30


def test_the_first_page_shows_what_was_run_and_when(made):
    _, facts = collect.collect()
    for values in facts.values():
        for value in values:
            assert value in made.texts[0]


def test_each_page_has_its_number(made):
    assert len(made.texts) == made.count
    for number, text in enumerate(made.texts, start=1):
        assert f"{number} of {made.count}" in text.replace("\N{NO-BREAK SPACE}", " ")


def test_pdf_is_tagged_and_has_title_language_and_outline(made):
    root = made.reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"].startswith("en")
    assert made.reader.metadata.title == document.TITLE
    titles = [entry.title for entry in made.reader.outline[1] if not isinstance(entry, list)]
    assert len([title for title in titles if re.match(r"\d\d ", title)]) == len(notebooks.find())


def test_no_path_of_this_machine_is_in_a_link(made):
    for page in made.reader.pages:
        for annotation in page.get("/Annots", []):
            assert annotation.get_object().get("/A", {}).get("/URI", "https:").startswith("https:")


def test_both_files_are_small(made):
    assert made.html.stat().st_size <= LIMIT and made.pdf.stat().st_size <= LIMIT


def test_nothing_is_loaded_from_elsewhere(made, chromium):
    requests = []
    page = chromium.new_page()
    page.on("request", lambda request: requests.append(request.url))
    page.goto(made.html.as_uri())
    assert [url for url in requests if not url.startswith("data:")] == [made.html.as_uri()]
    assert not made.soup.select("script, link, iframe, object, embed")
    assert all(image["alt"] for image in made.soup("img"))
    page.close()


@pytest.mark.parametrize(
    ("scheme", "rules", "parts"),
    [
        # The contrast of each word takes most of the time to compute, and the chapters have the same colors.
        ("light", {"rules": {"color-contrast": {"enabled": False}}}, ["html"]),
        ("light", {"runOnly": ["color-contrast"]}, COLORFUL),
        ("dark", {"runOnly": ["color-contrast"]}, COLORFUL),
    ],
    ids=["all but colors", "light", "dark"],
)
def test_axe_finds_nothing(made, chromium, scheme, rules, parts):
    page = chromium.new_page(color_scheme=scheme)
    page.goto(made.html.as_uri())
    found = Axe().run(page, {"include": [[part] for part in parts]}, {"resultTypes": ["violations"], **rules}).response
    assert found["passes"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
    page.close()


@pytest.mark.parametrize(
    ("media", "width", "too_wide"), [("print", A4_WITHIN_MARGINS, PAPER), ("screen", PHONE, SCREEN)]
)
def test_nothing_is_cut_off(made, chromium, media, width, too_wide):
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.emulate_media(media=media)
    page.goto(made.html.as_uri())
    assert page.evaluate(too_wide) == []
    page.close()


def test_hints_can_be_read_on_paper(made):
    printed = squeezed("".join(made.texts))
    for hint in made.soup.select("details p"):
        assert squeezed(hint.get_text())[:20] in printed.replace("ﬁ", "fi").replace("ﬂ", "fl")


def test_the_same_notebooks_give_the_same_page(made):
    chapters, facts = collect.collect()
    images = iter([image["src"] for image in made.soup.select(".diagram img")])
    sources = diagrams.sources(cell.source for chapter in chapters for cell in chapter.flow)
    again = document.document(chapters, facts, dict(zip(sources, images, strict=True)))
    assert again == made.html.read_text(encoding="utf-8")


def test_a_link_that_leads_nowhere_is_refused(chromium, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<title>A</title><p id=here>A <a href='#here'>link</a><span data-page=nowhere></span>")
    with pytest.raises(WorkbookError, match="lead nowhere: nowhere"):
        print_pdf(page, tmp_path / "page.pdf", chromium)


def test_a_notebook_that_was_not_recorded_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A"), new_code_cell("1")]), tmp_path / "00_a.ipynb")
    with pytest.raises(WorkbookError, match="make record"):
        collect.collect()
