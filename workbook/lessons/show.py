"""Show files and pages in a notebook: a listing as text with its colours, an answer as a browser would."""

import html
import json
import time
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from urllib.error import HTTPError

from workbook.base.bar import bar
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.lessons.diagnose import UNRESOLVED
from workbook.lessons.kubectl import NAME_SERVICE, kubectl
from workbook.lessons.wait import patience

LANGUAGES = {".yaml": "yaml", ".py": "python", ".java": "java", ".txt": "text", ".toml": "toml"}


class Listing(str):
    """A file's text that a notebook shows as a listing, and a terminal as it is."""

    language: str

    def _repr_markdown_(self) -> str:
        return f"```{self.language}\n{self.rstrip()}\n```"

    def __repr__(self) -> str:
        return self.rstrip()


def show(file: str) -> Listing:
    """The text of one of the workbook's files.

    Args:
        file: its path from the repository's root, such as `"manifests/1-03-webapp-deployment.yaml"`.

    Raises:
        WorkbookError: there is no such file in the repository.
    """
    path = (ROOT / file).resolve()
    if not path.is_relative_to(ROOT) or not path.is_file():
        raise WorkbookError(
            f"There is no file {file!r} in the workbook.", fix="Correct its path, which begins at the root."
        )
    listing = Listing(path.read_text(encoding="utf-8"))
    listing.language = "dockerfile" if path.name == "Dockerfile" else LANGUAGES.get(path.suffix, "text")
    return listing


@dataclass(frozen=True)
class Page:
    """An HTTP answer: `status` (a number), `text`, and the `url` it came from."""

    url: str
    status: int
    text: str

    def __repr__(self) -> str:
        return f"HTTP {self.status} {HTTPStatus(self.status).phrase}\n{self.text}"

    def _repr_html_(self) -> str:
        status = f"HTTP {self.status} {HTTPStatus(self.status).phrase}"
        if "<html" in self.text.lower():
            # A document of its own, kept apart from the notebook: it may neither style it nor run anything in it.
            body = f'<iframe sandbox srcdoc="{html.escape(self.text)}" title="The page" style="width:100%;border:0"></iframe>'
        else:
            body = html.escape(self.text)
        return (
            f'<figure style="border:1px solid currentColor;border-radius:6px;max-width:40em;margin:0">'
            f'<figcaption style="border-bottom:1px solid currentColor;padding:.3em .8em">{status}</figcaption>'
            f'<div style="padding:.8em">{body}</div></figure>'
        )


def page(url: str, *, inside: str = "", until: str = "", timeout: float = 10) -> Page:
    """Asks for `url` as a browser does, and returns the answer; an answer like 404 or 500 is one, too.

    Asks again while nothing answers: a Pod without a readiness probe counts as ready before its program listens, and
    a new Service is known to DNS and to each node's kube-proxy only a moment after it was made.

    Args:
        url: an address on this machine or of the cluster.
        inside: whose Pod asks, such as `"deployment/webapp-deployment"`; its image must have Python. This machine asks
            when not given.
        until: asks again until this is in the text.
        timeout: seconds, in all.

    Raises:
        WorkbookError: nothing answers there, or not so.
    """
    timeout *= patience()
    deadline = time.monotonic() + timeout
    with bar(f"Waiting for an answer at {url}", timeout) as say:
        while True:
            try:
                answer = _ask_inside(inside, url) if inside else _ask(url, timeout)
                if until in answer.text:
                    return answer
                problem = f"it says {answer.text[:200]!r}, without {until!r}"
            except OSError as error:
                problem = str(getattr(error, "reason", error))
            say(problem)
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)  # a program that begins to listen tells nobody
    raise WorkbookError(
        f"Nothing answers at {url} as it should.",
        problem,
        f"Is there a Service of that name? `services()`. Is the name service well? {NAME_SERVICE}."
        if UNRESOLVED.search(problem)
        else "See whether its Pods are ready with `pods()`, and whether the forwarding is still open.",
    )


def _ask(url: str, timeout: float) -> Page:
    # The cluster's addresses are this machine's own: no proxy can reach them.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            return Page(url, answer.status, answer.read().decode(errors="replace"))
    except HTTPError as error:
        return Page(url, error.code, error.read().decode(errors="replace"))


# What the Pod runs: prints status and text as JSON; status 0 and the reason when nothing answers.
PROGRAM = """
import json, sys, urllib.error, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=3) as answer:
        print(json.dumps([answer.status, answer.read().decode(errors="replace")]))
except urllib.error.HTTPError as error:
    print(json.dumps([error.code, error.read().decode(errors="replace")]))
except OSError as error:
    print(json.dumps([0, str(error)]))
"""


def _ask_inside(target: str, url: str) -> Page:
    status, text = json.loads(kubectl("exec", target, "--", "python", "-c", PROGRAM, url).splitlines()[-1])
    if not status:
        raise OSError(text)
    return Page(url, status, text)
