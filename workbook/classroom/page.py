"""The board as a page in a browser: its HTML, and a small server on the loopback interface."""

import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from workbook.base.commands import for_this_system
from workbook.classroom.board import Board
from workbook.classroom.rows import STATES, Row, as_csv, as_json, most_frequent
from workbook.lessons.progress import Standing

FILES = Path(__file__).with_name("board_page")
LOOKS = dict(zip(STATES, (("help", "▲"), ("new", "○"), ("work", "●"), ("end", "✓")), strict=True))
"""The class and the symbol of each state, so that nothing depends on color alone."""
STEPS = {"": ("", "not begun"), "begun": ("◐", "begun"), "end": ("✓", "done")}
HEADINGS = ("Learner", "State", "Failed check", "Stuck Pods", "Last cell", "Begun", "Done", "Exercises")
EMPTY = for_this_system(
    "There are no learners on this cluster. `make classroom` creates their Namespaces, and WORKBOOK_CONTEXT names the cluster."
)
REFRESH, GAP = 5, 0.2
"""Seconds after which the page is made again even without a change, and between two updates of it."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""The page runs no script but its own, even if a text of a learner were not escaped."""


def html(found: list[Row], now: datetime) -> str:
    """Return the page's table and the summary above it. All text is escaped.

    Args:
        found: the rows, in their order.
        now: the time, from which durations count.
    """
    if not found:
        return f"<p>{escape(EMPTY)}</p>"
    heads = [f'<th scope="col" role="columnheader">{heading}</th>' for heading in HEADINGS]
    for each in found[0].notebooks:
        number, _, title = each.notebook.partition("_")
        words = escape(title.replace("-", " "))
        heads.append(
            f'<th scope="col" role="columnheader" class="notebook" title="{words}">{number}'
            f'<span class="hidden"> {words}</span></th>'
        )
    return (
        f'<p class="summary">{_summary(found)}</p>'
        '<p class="legend">In the columns 00 and following: ◐ a notebook is begun, ✓ it was run to the end, '
        "and how many of its exercises are done without the solution.</p>"
        '<div class="scroll" role="region" aria-label="Table of learners" tabindex="0">'
        '<table role="table" aria-label="Learners and their notebooks"><thead role="rowgroup">'
        f'<tr role="row">{"".join(heads)}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(_line(row, now) for row in found)}</tbody></table></div>'
    )


def ago(then: datetime, now: datetime) -> str:
    """Return how long a time ago is, in minutes or larger units, so that it does not change at each look."""
    minutes = int((now - then).total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


@contextmanager
def served(board: Board) -> Iterator[str]:
    """Serve the page of a board on the loopback interface while the block runs, and yield its address.

    The address has a secret part, because other users of this machine can reach the port.
    """
    secret = secrets.token_urlsafe(16)
    ended = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, board, secret, ended)) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/{secret}/"
        finally:
            ended.set()
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of the page: for its files, for the rows, and for a stream of changes."""

    def __init__(self, board: Board, secret: str, ended: threading.Event, *rest: object) -> None:
        self._board, self._secret, self._ended = board, secret, ended
        super().__init__(*rest)  # type: ignore[arg-type]  # it answers the request

    def do_GET(self) -> None:
        prefix, _, name = self.path.removeprefix("/").partition("/")
        if not secrets.compare_digest(prefix.encode(), self._secret.encode()):
            self.send_error(404)
            return
        match name:
            case "":
                page = (FILES / "board.html").read_text(encoding="utf-8")
                now = datetime.now(UTC)
                page = page.replace("<!-- NOTICE -->", escape(self._board.notice))
                self._answer("text/html", page.replace("<!-- BOARD -->", html(self._board.rows(), now)))
            case "board.css":
                self._answer("text/css", (FILES / name).read_text(encoding="utf-8"))
            case "board.js":
                self._answer("text/javascript", (FILES / name).read_text(encoding="utf-8"))
            case "board.csv":
                self._answer("text/csv", as_csv(self._board.rows()))
            case "board.json":
                self._answer("application/json", as_json(self._board.rows()))
            case "changes":
                self._stream()
            case _:
                self.send_error(404)

    def _begin(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        for name, value in HEADERS.items():
            self.send_header(name, value)

    def _answer(self, kind: str, text: str) -> None:
        body = text.encode()
        self._begin(kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        """Send the table after each change: https://html.spec.whatwg.org/multipage/server-sent-events.html."""
        self._begin("text/event-stream")
        self.end_headers()
        seen, sent = -1, ""
        while not self._ended.is_set():
            seen = self._board.wait(seen, REFRESH)
            shown = {"notice": self._board.notice, "html": html(self._board.rows(), datetime.now(UTC))}
            text = json.dumps(shown)
            try:
                self.wfile.write(b": nothing new\n\n" if text == sent else f"data: {text}\n\n".encode())
            except OSError:
                return  # the page was closed
            sent = text
            time.sleep(GAP)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the addresses in the log would contain the secret."""


def _summary(found: list[Row]) -> str:
    counted = Counter(row.state for row in found)
    parts = [f"{LOOKS[state][1]} {state}: {counted[state]}" for state in STATES if counted[state]]
    text = f"Learners: {len(found)} ({', '.join(parts)})."
    reason, count = most_frequent(found)
    if reason:
        text += f" Most frequent failure: “{reason}” (learners: {count})."
    return escape(text)


def _line(row: Row, now: datetime) -> str:
    look, symbol = LOOKS[row.state]
    solutions = f" <small>+{row.solutions} by solution</small>" if row.solutions else ""
    total = sum(len(each.exercises) for each in row.notebooks)
    cells = [
        ("state", "", f'<span aria-hidden="true">{symbol} </span>{row.state}'),
        ("text", HEADINGS[2], escape(row.failed) + _since(row.failed_since, now)),
        ("text", HEADINGS[3], "<br>".join(map(escape, row.stuck)) + _since(row.stuck_since, now)),
        ("when", HEADINGS[4], f"{ago(row.last_cell, now)} ago" if row.last_cell else ""),
        ("number", HEADINGS[5], str(row.begun)),
        ("number", HEADINGS[6], f"{row.done} of {len(row.notebooks)}"),
        ("number", HEADINGS[7], f"{row.exercises} of {total}{solutions}"),
    ]
    labels = (f' data-label="{label}"' if label else "" for _, label, _ in cells)
    line = "".join(
        f'<td role="cell" class="{kind}"{label}>{content}</td>'
        for (kind, _, content), label in zip(cells, labels, strict=True)
    )
    line += "".join(map(_notebook, row.notebooks))
    return f'<tr role="row" class="{look}"><th scope="row" role="rowheader">{escape(row.learner)}</th>{line}</tr>'


def _since(then: datetime | None, now: datetime) -> str:
    return f' <span class="since">for {ago(then, now)}</span>' if then else ""


def _notebook(each: Standing) -> str:
    """The cell of one notebook. On a narrow screen, it has the notebook's number, since there are no headings."""
    own = each.exercises.count("exercise")
    if not each.step and not any(each.exercises):
        return '<td role="cell" class="notebook"></td>'
    symbol, word = STEPS.get(each.step, STEPS[""])
    return (
        f'<td role="cell" class="notebook" data-label="{each.notebook[:2]}">'
        f'<span aria-hidden="true">{symbol}</span><span class="hidden">{word}</span>'
        f'<small>{own}/{len(each.exercises)}<span class="hidden"> exercises</span></small></td>'
    )
