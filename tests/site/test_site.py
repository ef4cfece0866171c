"""The site, made once from the committed pages and notebooks: its files, and what a browser shows of them."""

import re
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

pytest.importorskip("sphinx", reason="`make test` and `make site` install it")
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import workbook
from workbook.base.errors import WorkbookError
from workbook.base.notebooks import find
from workbook.machine.browser import browser
from workbook.publish import handout, site
from workbook.publish.site import sources

# MyST-Parser uses what Sphinx 11 will remove.
pytestmark = pytest.mark.filterwarnings("ignore:.*myst_parser:PendingDeprecationWarning")
LOOKED_AT = [
    "index",
    "notebooks/00_start-here",
    "notebooks/03_deploy-the-webapp",
    "notebooks/06_scale-and-heal",
    "notebooks/07_put-a-frontend-in-front-of-it",
    "notebooks/13_break-it-and-fix-it",
    "notebooks/GLOSSARY",
    "notebooks/index",
    "notebooks/ERRATA",
    "workbook/index",
    "classroom/index",
    "search",
]
COLORFUL = ["index", "notebooks/03_deploy-the-webapp", "notebooks/07_put-a-frontend-in-front-of-it", "search"]
"""Pages that together have all colors, and are also looked at in dark mode."""
PHONE, DESKTOP, A4_WITHIN_MARGINS = 375, 1280, 665
"""Pixels of 1/96 inch."""
ELSEWHERE = re.compile(r"(?:https?:)?//")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of the site, without the handout."""
    folder = tmp_path_factory.mktemp("site") / "site"
    site.build(folder)
    return folder


@pytest.fixture(scope="module")
def pages(made):
    """The pages by their paths in the site."""
    return {
        path.relative_to(made).as_posix(): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in made.rglob("*.html")
        if "_static" not in path.parts  # parts of the theme
    }


@pytest.fixture(scope="module")
def chromium():
    with browser() as started:
        yield started


def test_all_pages_are_in_the_contents_with_the_notebooks_in_their_order(pages):
    links = [link["href"] for link in pages["index.html"].select("nav[aria-label=Pages] a")]
    assert links[: len(find())] == [f"notebooks/{path.stem}.html" for path in find()]
    generated = {"genindex.html", "index.html", "py-modindex.html", "search.html"}
    assert sorted(links) == sorted(pages.keys() - generated)


def test_titles_of_notebooks_have_their_numbers(pages):
    for path in find():
        title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0].removeprefix("# ")
        heading = pages[f"notebooks/{path.stem}.html"].select_one("main h1")
        assert heading.get_text().removesuffix("#") == f"{path.name[:2]} {title}".replace(
            "'", "\N{RIGHT SINGLE QUOTATION MARK}"
        )


def test_inner_links_lead_to_a_file_and_an_element(made, pages):
    for name, page in pages.items():
        for link in page.select("a[href]"):
            address = urlsplit(link["href"])
            if address.scheme or not (address.path or address.fragment):
                continue
            target = (made / name).parent / unquote(address.path) if address.path else made / name
            found = target.resolve().relative_to(made.resolve()).as_posix()
            if found.startswith(f"{site.PAPERS}/"):
                assert found.removeprefix(f"{site.PAPERS}/") in handout.FILES
                continue
            assert target.is_file(), f"{name}: {link}"
            if address.fragment and found in pages:
                assert pages[found].find(id=unquote(address.fragment)), f"{name}: {link}"


def test_links_to_the_glossary_lead_to_its_terms(pages):
    known = {term["id"] for term in pages["notebooks/GLOSSARY.html"].select("dl.glossary dt")}
    linked = {
        link["href"].partition("#")[2] for page in pages.values() for link in page.select("a[href*='GLOSSARY.html#']")
    }
    assert len(known) == len(sources.terms()) > 30
    assert linked == known


def test_each_solution_is_collapsed(pages):
    for path in find():
        cells = nbformat.read(path, as_version=4).cells
        expected = [cell for cell in cells if "solution" in cell.metadata.get("tags", [])]
        hidden = pages[f"notebooks/{path.stem}.html"].select("details.hide")
        assert len(hidden) == len(expected)
        assert not any("open" in details.attrs for details in hidden)
        assert all(details.find(string=re.compile("A solution")) for details in hidden)
    assert not any("click on the three dots" in page.main.get_text() for page in pages.values())


def test_each_other_cell_has_its_number(pages):
    for path in find():
        cells = [
            cell for cell in nbformat.read(path, as_version=4).cells if "solution" not in cell.metadata.get("tags", [])
        ]
        counts = [f"[{cell.execution_count}]" for cell in cells if cell.get("execution_count")]
        assert [count.get_text() for count in pages[f"notebooks/{path.stem}.html"].select("p.count")] == counts


def test_each_function_has_its_documentation(pages):
    described = {term["id"] for term in pages["workbook/index.html"].select("dt[id^='workbook.']")}
    assert {f"workbook.{name}" for name in workbook.__all__} <= described


def test_nothing_in_the_files_is_loaded_from_elsewhere(made, pages):
    for name, page in pages.items():
        loading = page.select("script[src], img[src], iframe[src], source[src], link[href]:not([rel=canonical])")
        assert not [tag for tag in loading if ELSEWHERE.match(tag.get("src") or tag.get("href"))], name
        assert all(image.get("alt") for image in page.select("main img")), name
    for sheet in made.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(?:url\(|@import) *['\"]?(?:https?:)?//", text), sheet.name


def test_the_search_finds_a_word_without_a_server(made, chromium):
    page = chromium.new_page()
    page.goto(f"{(made / 'search.html').as_uri()}?q=CrashLoopBackOff")
    page.locator("#search-results .search li a").first.wait_for()
    found = page.locator("#search-results .search li > a").all_text_contents()
    assert any(title.startswith("10 Restart what hangs") for title in found)
    assert any("Glossary" in title for title in found)
    page.close()


@pytest.mark.parametrize(
    ("name", "scheme"), [*((name, "light") for name in LOOKED_AT), *((name, "dark") for name in COLORFUL)]
)
def test_a_page_is_accessible_fits_a_phone_and_asks_no_other_host(made, chromium, name, scheme):
    requests = []
    with chromium.new_context(color_scheme=scheme, viewport={"width": DESKTOP, "height": 900}) as context:
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.goto((made / f"{name}.html").as_uri())
        assert page.locator("html").get_attribute("data-theme") == scheme
        assert Axe().run(page).response["violations"] == []
        page.set_viewport_size({"width": PHONE, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def test_commands_are_gray_above_tables_and_colored_in_cells(made, chromium):
    with chromium.new_context(color_scheme="light") as context:
        page = context.new_page()
        page.goto((made / "notebooks/03_deploy-the-webapp.html").as_uri())
        color = "element => getComputedStyle(element).color"
        command = page.get_by_text("$ kubectl get deployments").first
        assert command.evaluate(color) == page.locator("p.count").first.evaluate(color)
        magic = page.locator(".cell_input").filter(has_text="%kubectl apply -f").first
        assert magic.locator(".k").text_content() == "kubectl"


def test_the_keyboard_reaches_the_text_and_opens_a_solution(made, chromium):
    page = chromium.new_page()
    page.goto((made / "notebooks/03_deploy-the-webapp.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").strip() == "Skip to main content"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main-content"
    solution = page.locator("details.hide").first
    solution.locator("summary").focus()
    page.keyboard.press("Enter")
    assert solution.get_attribute("open") is not None and solution.locator("pre").first.is_visible()
    page.close()


def test_a_page_is_printed_in_light_colors_and_nothing_is_cut_off(made, chromium):
    with chromium.new_context(color_scheme="dark", viewport={"width": A4_WITHIN_MARGINS, "height": 900}) as context:
        page = context.new_page()
        page.goto((made / "notebooks/03_deploy-the-webapp.html").as_uri())
        page.emulate_media(media="print")
        cut = "[...document.querySelectorAll('.bd-article pre')].filter(pre => pre.scrollWidth > pre.clientWidth + 1).length"
        assert page.evaluate(cut) == 0
        for event, theme in (("beforeprint", "light"), ("afterprint", "dark")):
            page.evaluate(f"dispatchEvent(new Event('{event}'))")
            assert page.locator("html").get_attribute("data-theme") == theme


def test_a_link_that_leads_nowhere_is_refused(tmp_path, monkeypatch, capfd):
    (tmp_path / "README.md").write_text("# A\n\n[A link](nowhere.md#at-all)\n", encoding="utf-8")
    monkeypatch.setattr(site, "ROOT", tmp_path)
    with pytest.raises(WorkbookError, match="Sphinx"):
        site.build(tmp_path / "site")
    assert re.search(r"README\.md:\d+: WARNING: .*nowhere\.md", capfd.readouterr().err)


def test_markup_in_an_output_is_cleaned_and_a_picture_keeps_its_description():
    outputs = [
        new_output("display_data", {"text/html": "<b onclick='x()'>A</b><script>x()</script>", "text/plain": "A"}),
        new_output("display_data", {"image/png": "AAAA", "text/plain": "A bar"}),
    ]
    book = new_notebook(cells=[new_markdown_cell("# A title"), new_code_cell("1", outputs=outputs)])
    shown = sources.notebook(book, "07")
    assert shown.cells[0].source == "# 07 A title"
    assert shown.cells[1].outputs[0].data["text/html"] == "<b>A</b>"
    assert shown.cells[1].metadata["mystnb"] == {"image": {"alt": "A bar"}}


def test_the_glossary_becomes_one_of_sphinx():
    text = '# Glossary\n\nTerms.\n\n## <a id="back-off"></a>back-off\n\nA pause. [More](x.md)\n'
    assert sources.glossary(text) == "# Glossary\n\nTerms.\n\n```{glossary}\nback-off\n  A pause. [More](x.md)\n```\n"
    assert sources.linked("A [Back-off](GLOSSARY.md#back-off).") == "A {term}`Back-off <back-off>`."
