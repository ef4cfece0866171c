"""Listings, pages, and the ✓."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from workbook import check, page, show
from workbook.base.errors import WorkbookError
from workbook.lessons.check import CheckFailed


def test_a_listing_is_the_file():
    listing = show("app/webapp/v1/app.py")
    assert listing._repr_markdown_() == f"```python\n{listing.rstrip()}\n```"
    assert "Welcome!" in listing


@pytest.mark.parametrize("file", ["no/such.yaml", "../outside", "/etc/passwd", "app"])
def test_only_the_workbooks_files_are_shown(file):
    with pytest.raises(WorkbookError, match=r"no file"):
        show(file)


@pytest.fixture
def server():
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(int(self.path[1:]))
            self.end_headers()
            self.wfile.write(b"<b>hello</b>")

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_port}"
        listener.shutdown()


@pytest.mark.parametrize(("status", "words"), [(200, "OK"), (404, "Not Found"), (503, "Service Unavailable")])
def test_a_page_is_shown_whatever_its_status(server, status, words):
    answer = page(f"{server}/{status}")
    assert repr(answer) == f"HTTP {status} {words}\n<b>hello</b>"
    assert "&lt;b&gt;hello&lt;/b&gt;" in answer._repr_html_(), "a page must not run in the notebook"


def test_a_proxy_is_not_asked_for_this_machines_own_pages(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert page(f"{server}/200").status == 200


def test_a_page_that_never_says_it(server):
    with pytest.raises(WorkbookError, match=r"as it should(.|\n)*hello(.|\n)*without 'goodbye'"):
        page(f"{server}/200", until="goodbye", timeout=0.3)


def test_nobody_answers():
    with pytest.raises(WorkbookError, match=r"Nothing answers at http://127.0.0.1:9"):
        page("http://127.0.0.1:9", timeout=0.3)


def test_check(capsys):
    check("two and two are four", lambda: 2 + 2 == 4)
    assert capsys.readouterr().out == "✓ two and two are four\n"
    with pytest.raises(CheckFailed, match=r"✗ it rains: not so(.|\n)*Wait an hour"):
        check("it rains", False, "Wait an hour.")
