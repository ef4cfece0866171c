"""Pages of a web server on this machine, requested by this machine and by a Pod's program."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from workbook import page
from workbook.base.errors import WorkbookError
from workbook.lessons import page as module


@pytest.fixture
def server():
    """A web server that answers /STATUS with this status."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(int(self.path[1:]))
            self.end_headers()
            self.wfile.write(b"<b>hello</b>")

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as listener:
        threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_port}"
        listener.shutdown()


@pytest.fixture(params=["", "deployment/webapp"])
def inside(request, monkeypatch):
    """The client: this machine, or a Pod, whose program runs here."""

    def run(*args):
        assert args[:4] == ("exec", "deployment/webapp", "--", "python")
        return subprocess.check_output([sys.executable, *args[4:]], encoding="utf-8", errors="replace")

    monkeypatch.setattr(module, "kubectl_output", run)
    return request.param


@pytest.mark.parametrize(
    ("status", "words"), [(200, " OK"), (404, " Not Found"), (503, " Service Unavailable"), (599, "")]
)
def test_a_page_is_shown_whatever_its_status(server, inside, status, words):
    answer = page(f"{server}/{status}", inside=inside)
    assert repr(answer) == f"HTTP {status}{words}\n<b>hello</b>"
    assert "&lt;b&gt;hello&lt;/b&gt;" in answer._repr_html_(), "a page must not run in the notebook"


def test_a_pod_of_another_namespace(server, monkeypatch):
    def run(*args):
        assert args[:5] == ("exec", "--namespace", "other", "pod/visitor", "--")
        return subprocess.check_output([sys.executable, *args[6:]], encoding="utf-8", errors="replace")

    monkeypatch.setattr(module, "kubectl_output", run)
    assert page(f"{server}/200", inside="pod/visitor", namespace="other").status == 200


def test_a_document_is_shown_in_a_frame_of_its_own():
    shown = module.Page("http://webservice", 200, "<HTML><script>alert()</script></HTML>")._repr_html_()
    assert '<iframe sandbox srcdoc="&lt;HTML&gt;&lt;script&gt;' in shown


def test_a_proxy_is_not_asked_for_this_machines_own_pages(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert page(f"{server}/200").status == 200


def test_a_page_without_the_expected_text(server):
    with pytest.raises(WorkbookError, match=r"no answer at .* with 'goodbye'(.|\n)*hello(.|\n)*without 'goodbye'"):
        page(f"{server}/200", until="goodbye", timeout=1)


def test_no_answer(inside):
    with pytest.raises(WorkbookError, match=r"There is no answer at http://127.0.0.1:9(.|\n)*refused(.|\n)*`pods\(\)`"):
        page("http://127.0.0.1:9", inside=inside, timeout=0.3)


def test_a_name_that_does_not_resolve():
    with pytest.raises(WorkbookError, match=r"Why: (.|\n)*Do:  Check whether a Service has that name(.|\n)*kube-dns"):
        page("http://no-such-name.invalid", timeout=0.3)
