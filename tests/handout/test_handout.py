"""The handout, made once from the committed notebooks: its HTML in a browser, and its PDF page by page."""

import re
import unicodedata
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from pypdf import PdfReader
from pypdfium2 import PdfDocument

from workbook.base import notebooks
from workbook.base.errors import WorkbookError
from workbook.machine.browser import browser
from workbook.publish import claims, index
from workbook.publish.handout import collect, document, make
from workbook.publish.handout.pdf import pages, print_pdf

LIMIT = 10_000_000
"""Bytes that many mail servers accept as an attachment."""
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

ELSEWHERE = "https://elsewhere.invalid"
HOSTILE_PICTURE = b64encode(
    f"<svg xmlns='http://www.w3.org/2000/svg' onload='parent.ran = 1'><script>parent.ran = 1</script>"
    f"<image href='{ELSEWHERE}/in-image'/></svg>".encode()
).decode()
# Each tries to run a program or to ask another server, and has a text to read.
MARKUP = {
    "script": "<p>harmless</p><script>window.ran = 1</script>",
    "handler": "<p onmouseover='window.ran = 1' onclick='window.ran = 1'>harmless</p><img src=x onerror='window.ran = 1'>",
    "open details": "<details open ontoggle='window.ran = 1'><summary>harmless</summary></details>",
    "focus": "<p>harmless<input autofocus onfocus='window.ran = 1'></p>",
    "javascript link": "<a href='javascript:window.ran = 1'>harmless</a>",
    "hidden javascript link": "<a href=' jAva&#10;script:window.ran = 1'>harmless</a>",
    "data link": "<a href='data:text/html,<script>window.ran = 1</script>'>harmless</a>",
    "vector graphics": "<p>harmless</p><svg onload='window.ran = 1'><script>window.ran = 1</script></svg>",
    "broken nesting": "<p>harmless</p><math><mtext><table><mglyph><style><!--</style><img src=x onerror='window.ran = 1'>",
    "frame": f"<p>harmless</p><iframe src='{ELSEWHERE}/frame'></iframe>",
    "frame with a page": "<iframe srcdoc=\"<body>harmless<img src=x onerror='parent.ran = 1'></body>\"></iframe>",
    "frame with a page without a body": '<iframe srcdoc="harmless<script>parent.ran = 1</script>"></iframe>',
    "vector graphics as an image": f"<p>harmless</p><img alt='' src='data:image/svg+xml;base64,{HOSTILE_PICTURE}'>",
    "style": f"<p style='background: url({ELSEWHERE}/style)'>harmless</p>",
    "style sheet": f"<style>@import url({ELSEWHERE}/sheet); * {{ display: none !important }}</style><p>harmless</p>",
    "linked style sheet": f"<link rel=stylesheet href='{ELSEWHERE}/sheet'><p>harmless</p>",
    "image": f"<img src='{ELSEWHERE}/image' srcset='{ELSEWHERE}/set 2x' alt=''><p>harmless</p>",
    "other media": f"<video poster='{ELSEWHERE}/poster'></video><object data='{ELSEWHERE}/object'></object><p>harmless</p>",
    "refresh": f"<meta http-equiv=refresh content='0; url={ELSEWHERE}/refresh'><base href='{ELSEWHERE}'><p>harmless</p>",
    "form": f"<form action='{ELSEWHERE}/form'><button formaction='javascript:window.ran = 1'>harmless</button></form>",
}
ATTEMPT = """() => document.querySelectorAll("main *").forEach(element => {
  for (const name of ["click", "mouseover", "focus", "error", "load", "toggle"])
    element.dispatchEvent(new Event(name, {bubbles: true, cancelable: true}))
  if (!(element.getAttribute("href") ?? "").startsWith("http")) element.click?.()
})"""


@dataclass(repr=False)  # pytest would print all of it
class Made:
    """The handout's files, and what is in them."""

    html: Path
    pdf: Path
    count: int
    reader: PdfReader
    texts: list[str]
    soup: BeautifulSoup
    sheet: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    files = make(tmp_path_factory.mktemp("handout"))
    reader = PdfReader(files.paper)
    with PdfDocument(files.paper) as paper:  # pypdf would read the text, too, but for twenty seconds
        texts = [page.get_textpage().get_text_bounded().replace("\r\n", "\n") for page in paper]
    soup = BeautifulSoup(files.page.read_text(encoding="utf-8"), "html.parser")
    return Made(files.page, files.paper, files.count, reader, texts, soup, files.sheet)


@pytest.fixture(scope="module")
def chromium(made):
    with browser() as started:
        yield started


def squeezed(text):
    """Return a text without white space and ligatures, which pictures may have."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


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
    assert titles == [*expected, "Cheat sheet", "Errata", "Solutions", "Glossary"]
    where, _ = pages(made.pdf)
    begins = [where[f"chapter-{path.name[:2]}"] for path in notebooks.find()]
    assert begins == sorted(set(begins))
    for title, number in zip(expected, begins, strict=True):
        assert title in made.texts[number - 1]


def test_each_caption_is_in_a_list_with_its_page(made):
    captions = Counter((category, number) for category, number, *_ in index.captions())
    first = made.soup.select_one("main section")["id"]
    lists = "\n".join(made.texts[: pages(made.pdf)[0][first] - 1])
    printed = re.findall(
        r"^(Listing|Figure) ([\d-]+)\. [^\n]*?(?:\n(?!Listing|Figure)[^\n]*?)*?\s(\d+)$(?=\n(?:Listing|Figure|Learn )|\Z)",
        lists,
        re.MULTILINE,
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


def test_the_cheat_sheet_is_one_page_of_a4_with_all_commands_and_the_flowchart(made):
    (page,) = PdfReader(made.sheet).pages
    assert (round(page.mediabox.width), round(page.mediabox.height)) == (595, 842)
    printed, sheet = squeezed(page.extract_text()), made.soup.select_one("#cheat-sheet")
    for text in sheet.select("td, p, li, h3"):
        assert squeezed(text.get_text()) in printed, text
    assert sheet.select("img[src^='data:image/svg']")
    for status in ("ImagePullBackOff", "CrashLoopBackOff", "comparetheports"):
        assert status in printed  # of the flowchart


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
            assert re.match("https:|http://localhost:", annotation.get_object().get("/A", {}).get("/URI", "https:"))


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
        assert squeezed(hint.get_text())[:20] in printed


def test_the_same_notebooks_give_the_same_page(made):
    chapters, facts = collect.collect()
    assert document.document(chapters, facts) == made.html.read_text(encoding="utf-8")


def with_cells(cells, folder, monkeypatch):
    """A page of one chapter: a copy of a notebook that has these cells, too."""
    book = nbformat.read(notebooks.find()[0], as_version=4)
    book.cells += cells
    nbformat.write(book, folder / "00_copy.ipynb")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", folder)
    return document.document(*collect.collect())


def output(**data):
    """A code cell that has displayed this: texts by their type, with `_` for `/` in its name."""
    typed = {name.replace("_", "/", 1).replace("svg", "svg+xml"): text for name, text in data.items()}
    return new_code_cell("1", execution_count=1, outputs=[new_output("display_data", typed)])


HOSTILE = {
    **{f"{name}, as an output": [output(text_html=text, text_plain="")] for name, text in MARKUP.items()},
    **{f"{name}, in prose": [new_markdown_cell(text)] for name, text in MARKUP.items()},
    **{f"{name}, in displayed prose": [output(text_markdown=text)] for name, text in MARKUP.items()},
    "a link in Markdown": [new_markdown_cell("[harmless](javascript:window.ran=1)")],
    "an image in Markdown": [new_markdown_cell(f"![]({ELSEWHERE}/image.png) harmless")],
    "a heading": [new_markdown_cell("## harmless <img src=x onerror='window.ran = 1'>")],
    "a caption": [new_markdown_cell("**Listing 9-9. harmless <img src=x onerror='window.ran = 1'>**")],
    "a picture that ends its element": [
        output(image_png='"><script>window.ran = 1</script>', text_plain="harmless"),
        new_markdown_cell("harmless"),
    ],
    "a picture's description": [
        output(image_png="AAAA", text_plain="'\"><script>window.ran = 1</script>"),
        new_markdown_cell("harmless"),
    ],
    "vector graphics as a picture": [
        output(image_svg="<svg xmlns='http://www.w3.org/2000/svg' onload='window.ran = 1'/>", text_plain="harmless")
    ],
    "a program": [output(application_javascript="window.ran = 1", text_plain="harmless")],
    "text": [output(text_plain="harmless <script>window.ran = 1</script>")],
    "what was printed": [
        new_code_cell(
            "1", execution_count=1, outputs=[new_output("stream", text="\x1b[31mharmless<script>ran=1</script>")]
        )
    ],
    "a link for terminals": [
        new_code_cell(
            "1",
            execution_count=1,
            outputs=[new_output("stream", text="\x1b]8;;javascript:ran=1\x1b\\harmless\x1b]8;;\x1b\\")],
        )
    ],
    "an error": [
        new_code_cell(
            "1",
            execution_count=1,
            outputs=[
                new_output("error", ename="", evalue="", traceback=["harmless<img src=x onerror='window.ran = 1'>"])
            ],
        )
    ],
    "a raw cell": [new_raw_cell("<script>window.ran = 1</script>"), new_markdown_cell("harmless")],
}


def test_nothing_hostile_in_a_notebook_does_anything(chromium, tmp_path, monkeypatch):
    """Cells come from a cluster's answers: its logs, its objects, and the pages that it serves."""
    cells = [cell for name, each in HOSTILE.items() for cell in [new_markdown_cell(f"### Attempt: {name}"), *each]]
    html = with_cells(cells, tmp_path, monkeypatch)
    soup = BeautifulSoup(html, "html.parser")
    assert not soup.select(
        "main :is(script, style, link, meta, base, iframe, object, embed, svg, math, form, input, video)"
    )
    for tag in soup.select("main *"):
        assert not [name for name in tag.attrs if name.startswith("on") or name in ("srcdoc", "srcset", "action")], tag
        assert not re.match(r"\s*(java|data:)", re.sub(r"\s", "", tag.get("href", "")), re.IGNORECASE), tag
        assert tag.get("src", "data:image/").startswith("data:image/"), tag
        assert re.fullmatch(r"(--columns: \d+)?", tag.get("style", "")), tag
    text = soup.main.get_text()
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", text)
    attempts = re.split("Attempt: ", text)[1:]
    assert [attempt.splitlines()[0] for attempt in attempts] == list(HOSTILE)
    assert [attempt for attempt in attempts if "harmless" not in attempt] == []

    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    address, happened = (tmp_path / "page.html").as_uri(), []
    page = chromium.new_page()
    page.on("dialog", lambda dialog: (happened.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: happened.append(request.url))
    page.goto(address)
    page.evaluate(ATTEMPT)
    assert page.evaluate("window.ran") is None
    assert [each for each in happened if not each.startswith("data:image/")] == [address]
    assert page.get_by_text("harmless", exact=True).first.is_visible()
    page.close()


def test_a_link_that_leads_nowhere_is_refused(chromium, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<title>A</title><p id=here>A <a href='#here'>link</a><span data-page=nowhere></span>", encoding="utf-8"
    )
    with pytest.raises(WorkbookError, match="lead nowhere: nowhere"):
        print_pdf(page, tmp_path / "page.pdf", chromium)


def test_a_notebook_that_was_not_recorded_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A"), new_code_cell("1")]), tmp_path / "00_a.ipynb")
    with pytest.raises(WorkbookError, match="make record"):
        collect.collect()
