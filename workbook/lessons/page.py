"""Web pages in a notebook: an HTTP answer, shown as a browser would show it."""

import html
import json
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, responses
from urllib.error import HTTPError

from workbook.base.bar import bar
from workbook.base.errors import WorkbookError
from workbook.base.polling import poll
from workbook.diagnosis.names import NAME_SERVICE, UNRESOLVED
from workbook.lessons.kubectl import kubectl_output
from workbook.lessons.wait import patience

PROGRAM = """
import http.client, json, sys, urllib.error, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=3) as answer:
        print(json.dumps([answer.status, answer.read().decode(errors="replace")]))
except urllib.error.HTTPError as error:
    print(json.dumps([error.code, error.read().decode(errors="replace")]))
except (OSError, http.client.HTTPException) as error:
    print(json.dumps([0, str(error)]))
"""
"""Program for a Pod: print the status and the text at a URL as JSON; without an answer, 0 and the reason."""


@dataclass(frozen=True)
class Page:
    """An HTTP answer: `status` (a number), `text`, and the `url` it came from."""

    url: str
    status: int
    text: str

    @property
    def _title(self) -> str:
        return f"HTTP {self.status} {responses.get(self.status, '')}".rstrip()

    def __repr__(self) -> str:
        return f"{self._title}\n{self.text}"

    def _repr_html_(self) -> str:
        if "<html" in self.text.lower():
            # The page is a separate document: it can neither style the notebook nor run scripts in it.
            body = f'<iframe sandbox srcdoc="{html.escape(self.text)}" title="The page" style="width:100%;border:0"></iframe>'
        else:
            body = html.escape(self.text)
        return (
            f'<figure style="border:1px solid currentColor;border-radius:6px;max-width:40em;margin:0">'
            f'<figcaption style="border-bottom:1px solid currentColor;padding:.3em .8em">{self._title}</figcaption>'
            f'<div style="padding:.8em">{body}</div></figure>'
        )


def page(url: str, *, inside: str = "", namespace: str = "", until: str = "", timeout: float = 10) -> Page:
    """Request `url` as a browser does, and return the answer, whatever its status: 404 or 500 is an answer, too.

    Repeats the request while nothing answers: a Pod without a readiness probe counts as ready before its program listens, and
    DNS and each node's kube-proxy take a moment to learn of a new Service.

    Args:
        url: an address on this machine or of the cluster.
        inside: the Pod that asks, such as `"deployment/webapp-deployment"`; its image must have Python. This machine
            asks when empty.
        namespace: the namespace of that Pod; the workbook's own when empty.
        until: repeat the request until the answer contains this text.
        timeout: seconds, in all.

    Raises:
        WorkbookError: nothing answers in time, or no answer contains `until`.
    """
    timeout *= patience()
    problem = ""
    with bar(f"Waiting for an answer at {url}", timeout) as show_detail:

        def ask() -> Page | None:
            nonlocal problem
            try:
                answer = _ask_inside(inside, namespace, url) if inside else _ask(url, timeout)
                if until in answer.text:
                    return answer
                problem = f"the answer is {answer.text[:200]!r}, without {until!r}"
            except (OSError, HTTPException) as error:
                problem = str(getattr(error, "reason", error))
            show_detail(problem)
            return None

        try:
            # No event reports that a program has begun to listen. Each request through `port_forward` is work for the cluster.
            return poll(ask, timeout=timeout, every=max(0.2, timeout / 150))
        except TimeoutError:
            pass
    raise WorkbookError(
        f"There is no answer at {url}{f' with {until!r}' if until else ''}.",
        problem,
        f"Check whether a Service has that name: `services()`. Check whether the name service is ready: {NAME_SERVICE}."
        if UNRESOLVED.search(problem)
        else "Check whether its Pods are ready: `pods()`. Check whether the port forwarding is still open.",
    )


def _ask(url: str, timeout: float) -> Page:
    # The cluster's addresses are local to this machine: no proxy can reach them.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            return Page(url, answer.status, answer.read().decode(errors="replace"))
    except HTTPError as error:
        return Page(url, error.code, error.read().decode(errors="replace"))


def _ask_inside(target: str, namespace: str, url: str) -> Page:
    options = ["--namespace", namespace] if namespace else []
    status, text = json.loads(kubectl_output("exec", *options, target, "--", "python", "-c", PROGRAM, url))
    if not status:
        raise OSError(text)
    return Page(url, status, text)
