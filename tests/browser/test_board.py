"""The board of a class as an instructor sees it in a browser: live, on a phone, in the dark, with the keyboard."""

import csv
import io
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.live_api import LiveApi
from workbook.classroom.board import LOST, Board
from workbook.classroom.page import served

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="`make test` installs it")
expect = pytest.importorskip("playwright.sync_api").expect

LEARNERS = [f"learner-{number:02}" for number in range(1, 21)]
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
MARKUP = "<script>document.title = 'changed'</script><img src=x onerror=\"document.title='changed'\">"


@pytest.fixture(scope="module")
def api():
    """A class in different states. One of the learners has written markup."""
    api = LiveApi(*LEARNERS)
    for number, name in enumerate(LEARNERS[:-2]):
        then = f"{datetime.now(UTC) - timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}"
        data = {f"n{each:02}-step": "end" for each in range(number)} | {f"n{number:02}-step": "begun"}
        data |= {"n00-exercise-1": "exercise", "n00-exercise-2": "solution", "last-cell": then}
        if number % 5 == 3:
            data |= {"failed-check": "the Service quiet answers", "failed-since": then}
        if number == 6:
            data |= {"failed-check": MARKUP, "failed-since": then}
        api.report(name, **data)
    return api


@pytest.fixture(scope="module")
def address(api):
    board = Board(api)
    board.read()
    board.watch()
    with served(board) as address:
        yield address
    board.stop()


@pytest.fixture
def opened(chromium, address):
    """A function that opens the board in a page of a size; it asserts that nothing was reported in the console."""
    contexts, reported = [], []

    def open_page(size="desktop", scheme="light"):
        context = chromium.new_context(viewport=SIZES[size], color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: reported.append(message.text))
        page.on("pageerror", lambda error: reported.append(str(error)))
        page.goto(address)
        expect(page.get_by_role("row")).to_have_count(21)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert reported == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_accessible_and_fits(opened, shoot, size, scheme):
    page = opened(size, scheme)
    shoot(page, f"board-{size}-{scheme}")
    violations = axe.Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in violations] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('body *')].filter(e => e.textContent.trim() && e.offsetHeight > 1)"
        ".map(e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert smallest >= 10


def test_a_change_is_seen_within_two_seconds_and_comes_first(opened, api):
    page = opened()
    begun = time.monotonic()
    api.report("learner-11", n00_step="begun", failed_check="a new one", failed_since="2026-01-01T00:00:00Z")
    expect(page.get_by_role("rowheader").first).to_have_text("learner-11", timeout=2000)
    assert time.monotonic() - begun < 2
    expect(page.get_by_role("row").nth(1)).to_contain_text("needs help")
    expect(page.get_by_role("row").nth(1)).to_contain_text("a new one")


def test_markup_of_a_learner_is_text(opened, api):
    page = opened()
    expect(page.get_by_text(MARKUP)).to_be_visible()
    api.report("learner-12", failed_check=f"once more {MARKUP}")
    expect(page.get_by_text(f"once more {MARKUP}")).to_be_visible()
    assert page.title() == "Board of the class"
    assert page.locator("main script, main img").count() == 0


def test_a_lost_connection_is_said_until_it_is_back(opened, api, shoot):
    page = opened()
    notice = page.get_by_role("status")
    expect(notice).to_be_empty()
    api.lose()
    expect(notice).to_have_text(LOST)
    expect(page.get_by_role("row")).to_have_count(21)
    shoot(page, "board-lost")
    api.lose(False)
    expect(notice).to_be_empty()


def test_the_keyboard_reaches_the_downloads_and_the_table(opened, api):
    page = opened()
    for name in ("CSV", "JSON"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name=name)).to_be_focused()
    page.keyboard.press("Tab")
    table = page.get_by_role("region", name="Table of learners")
    expect(table).to_be_focused()
    api.report("learner-02", n00_step="end", last_cell="2026-01-01T00:00:00Z", n01_step="begun", failed_check="x y z")
    expect(page.get_by_text("x y z")).to_be_visible()
    expect(table).to_be_focused()


def test_the_table_can_be_downloaded(opened):
    page = opened()
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    read = list(csv.DictReader(io.StringIO(Path(started.value.path()).read_text(encoding="utf-8"))))
    assert sorted(each["learner"] for each in read) == LEARNERS
