"""The board of a class: its rows, its updates, its exports, and what it makes of a learner's odd texts."""

import csv
import io
import json
import re
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError

import pandas as pd
import pytest
from kubernetes.client.exceptions import ApiException

import workbook
from tests.live_api import LiveApi
from workbook.base.polling import poll
from workbook.classroom import board as module
from workbook.classroom import page
from workbook.classroom.board import Board, table
from workbook.classroom.rows import STATES, as_csv, as_json, most_frequent, rows
from workbook.cli.board import board as verb
from workbook.lessons.report import LONGEST

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LEARNERS = [f"learner-{number:02}" for number in range(1, 21)]
WAITING = {"state": {"waiting": {"reason": "ErrImageNeverPull"}}, "name": "a", "ready": False, "restartCount": 0}
ODD = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></tr></table>learner-02",
    "&lt;b&gt;",
    "'; drop table",
]


def ago(minutes):
    return f"{NOW - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def made(now=NOW, pods=(), **data):
    """The rows of learners, by the data of their ConfigMaps."""
    return rows(data, {name: {"data": each} for name, each in data.items()}, pods, now)


def pod(namespace, *, since=5, **status):
    """A Pod that is not ready since some minutes."""
    ready = {"type": "Ready", "status": "False", "lastTransitionTime": ago(since)}
    return {
        "metadata": {"name": "web", "namespace": namespace, "uid": "web", "creationTimestamp": ago(60)},
        "spec": {"nodeName": "node", "restartPolicy": "Always", "containers": [{"name": "a", "image": "web-app:9.9"}]},
        "status": {"phase": "Pending", "conditions": [ready], **status},
    }


def refused(reason):
    """The status of a container that waits for a reason."""
    return {**WAITING, "state": {"waiting": {"reason": reason}}}


@pytest.fixture
def live():
    """A class of 20 learners, all of whom have begun, and a board that watches it."""
    api = LiveApi(*LEARNERS)
    for name in LEARNERS:
        api.report(name, n00_step="begun", last_cell=ago(1))
    board = Board(api)
    board.watch()
    poll(lambda: [row.begun for row in board.rows()] == [1] * 20, timeout=30)
    yield api, board
    board.stop()


@contextmanager
def reading(board):
    """The stream of changes that a page of the board gets, as a function that returns the next one, within 30 s."""
    with page.served(board) as address, urllib.request.urlopen(f"{address}changes", timeout=30) as stream:
        end = time.monotonic() + 30

        def following():
            for line in iter(stream.readline, b""):
                assert time.monotonic() < end
                if line.startswith(b"data: "):
                    return json.loads(line.partition(b": ")[2])

        yield following


def get(address):
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read().decode(), answer.headers


def test_a_row():
    data = {"00-step": "end", "00-exercise-1": "exercise", "00-exercise-2": "solution", "01-step": "begun"}
    (row,) = made(ada={**data, "last-cell": ago(3), "failed-check": "it rains", "failed-since": ago(7)})
    assert (row.begun, row.done, row.exercises, row.solutions, row.state) == (2, 1, 1, 1, "needs help")
    assert row.record() | {"00": "done 1/2", "01": "begun 0/3", "02": ""} == row.record()
    assert (row.record()["failed_since"], row.record()["last_cell"]) == (ago(7), ago(3))


def test_those_who_need_help_come_first():
    done = {f"{number:02}-step": "end" for number in range(17)}
    begun = {"00-step": "begun"}
    found = made(
        quick={**begun, "last-cell": ago(1)},
        finished=done,
        quiet={**begun, "last-cell": ago(30)},
        new={},
        lately={**begun, "failed-check": "a", "failed-since": ago(2)},
        long={**begun, "failed-check": "b", "failed-since": ago(20)},
        stuck=begun,
        pods=[pod("stuck", containerStatuses=[WAITING])],
    )
    assert [row.learner for row in found] == ["long", "stuck", "lately", "new", "quiet", "quick", "finished"]
    assert [row.state for row in found] == [STATES[0]] * 3 + ["not begun", "working", "working", "finished"]
    assert found[1].stuck == ["Pod web: ErrImageNeverPull"]


def test_a_pod_that_only_starts_is_stuck_after_a_while():
    starting = {**WAITING, "state": {"running": {"startedAt": ago(1)}}}
    for since, stuck in ((0.1, []), (2, ["Pod web: NotReady"])):
        (row,) = made(ada={}, pods=[pod("ada", since=since, containerStatuses=[starting])])
        assert row.stuck == stuck


def test_the_most_frequent_failure_counts_each_learner_once():
    found = made(
        a={"failed-check": "it rains"}, b={"failed-check": "it snows"}, c={"failed-check": "it snows"}, d={}, e={}
    )
    assert most_frequent(found) == ("it snows", 2)
    assert most_frequent(made(a={})) == ("", 0)


@pytest.mark.parametrize("text", ["", "yesterday", "{broken", "12", "0001-01-01T00:00:00+14:00", "∞"])
def test_a_time_that_is_none_is_left_out(text):
    (row,) = made(ada={"failed-check": "it rains", "failed-since": text, "last-cell": text})
    assert (row.failed, row.failed_since, row.last_cell) == ("it rains", None, None)
    assert page.html([row], NOW)


def test_a_fast_clock_is_not_ahead_of_now():
    (row,) = made(ada={"last-cell": "9999-12-31T23:59:59Z"})
    assert row.last_cell == NOW


def test_odd_data_changes_no_other_row():
    data = {"00-step": "<b>", "99-step": "end", "00-exercise-1": "all", "learner": "bob", "namespace": "bob"}
    ada, bob = sorted(made(ada={**data, "failed-check": "x" * 10**6}, bob={}), key=lambda row: row.learner)
    assert (ada.learner, ada.begun, ada.exercises, len(ada.failed)) == ("ada", 0, 0, LONGEST)
    assert (bob.state, bob.failed) == ("not begun", "")
    assert rows(["ada"], {"ada": {"data": None}, "eve": {"data": data}}, [], NOW)[0].learner == "ada"


def test_a_text_is_one_line_without_characters_that_hide_others():
    (row,) = made(ada={"failed-check": "a\nb\x00c\u202ed\u200be\x1b[31m  f"})
    assert row.failed == "a bcde[31m f"


@pytest.mark.parametrize("text", ODD)
def test_texts_of_learners_are_escaped(text):
    shown = page.html(made(ada={"failed-check": text}), NOW)
    plain = page.html(made(ada={"failed-check": "plain"}), NOW)
    stuck = page.html(made(ada={}, pods=[pod("ada", containerStatuses=[refused(text)])]), NOW)
    usual = page.html(made(ada={}, pods=[pod("ada", containerStatuses=[WAITING])]), NOW)
    tags = re.compile("<[^>]*>")
    assert tags.findall(stuck) == tags.findall(usual)
    assert tags.findall(shown) == tags.findall(plain)


def test_csv_and_json():
    found = made(ada={"failed-check": '=1+1, "x"', "00-step": "end"}, bob={"failed-check": "ö"})
    read = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [(each["learner"], each["failed_check"]) for each in read] == [("ada", '\'=1+1, "x"'), ("bob", "ö")]
    assert [each["failed_check"] for each in json.loads(as_json(found))] == ['=1+1, "x"', "ö"]
    assert as_csv([]) == "learner\n" and as_json([]) == "[]"


def test_a_data_frame():
    frame = table(made(ada={"00-step": "end"}))
    assert (frame.columns.name, frame.index.tolist(), frame.loc["ada", "DONE"]) == ("LEARNER", ["ada"], 1)
    assert isinstance(frame, pd.DataFrame) and table([]).empty


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0.9, "less than a minute"), (1, "1 min"), (119, "119 min"), (120, "2 h"), (2880, "2 days")],
)
def test_how_long_ago(minutes, text):
    assert page.ago(NOW - timedelta(minutes=minutes), NOW) == text


def test_a_change_is_on_the_page_within_two_seconds(live):
    api, board = live
    took = []
    with reading(board) as following:
        following()
        for name in ("learner-07", "learner-13", "learner-07"):
            time.sleep(0.3)
            begun = time.monotonic()
            api.report(name, n00_step="begun", failed_check=f"{name} at {begun}")
            while f"{name} at {begun}" not in following()["html"]:
                assert time.monotonic() - begun < 2
            took.append(time.monotonic() - begun)
    assert max(took) < 2
    assert board.rows()[0].failed.startswith("learner-07")


def test_a_lost_connection_is_said_and_the_board_goes_on(live):
    api, board = live
    with reading(board) as following:
        assert following()["notice"] == ""
        api.lose()
        while (shown := following())["notice"] != module.LOST:
            pass
        assert shown["html"].count("learner-") == 20, "the table is still there"
        api.report("learner-09", failed_check="meanwhile")
        api.lose(False)
        while (shown := following())["notice"] or "meanwhile" not in shown["html"]:
            pass


def test_a_refusal_ends_the_updates_with_its_reason(live, monkeypatch):
    api, board = live
    refused = ApiException(status=403, reason="Forbidden")
    monkeypatch.setattr(api, "open_list", lambda *arguments, **options: (_ for _ in ()).throw(refused))
    poll(lambda: "403 Forbidden. Run `make board` again" in board.notice, timeout=30)
    assert len(board.rows()) == 20


def test_a_login_that_expires_ends_the_updates_with_its_reason(live, monkeypatch):
    api, board = live
    refused = ApiException(status=401, reason="Unauthorized")
    monkeypatch.setattr(api, "open_list", lambda *arguments, **options: (_ for _ in ()).throw(refused))
    poll(lambda: "Your access to the cluster has expired. Run `make board` again" in board.notice, timeout=30)


def test_a_new_learner_appears_and_a_second_namespace_does_not(live):
    api, board = live
    for name in ("learner-21", "learner-01-other"):
        api.change("namespaces", {"metadata": {"name": name, "namespace": ""}})
    poll(lambda: len(board.rows()) == 21, timeout=30)
    api.report("stranger", failed_check="not of this class")
    time.sleep(0.1)
    assert {row.learner for row in board.rows()} == {*LEARNERS, "learner-21"}


def test_a_learner_sees_only_their_own_line():
    api = LiveApi(*LEARNERS, whole=False, namespace="learner-03")
    api.report("learner-03", n03_step="begun")
    board = Board(api)
    board.read()
    assert [row.learner for row in board.rows()] == ["learner-03"]
    board.watch()
    poll(lambda: len(api.asked) >= 6, timeout=30)
    board.stop()
    assert set(api.asked) == {("configmaps", "learner-03"), ("pods", "learner-03")}


def test_the_pages_of_the_server(live):
    _, board = live
    with page.served(board) as address:
        text, headers = get(address)
        assert address.startswith("http://127.0.0.1:")
        assert text.count('scope="row"') == 20 and "<!-- " not in text
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        for name in ("board.css", "board.js"):
            assert get(address + name)[0]
        assert get(f"{address}board.csv")[0].startswith("learner,state,")
        assert len(json.loads(get(f"{address}board.json")[0])) == 20
        port = address.split("/")[2]
        for wrong in (f"http://{port}/", f"http://{port}/board.csv", f"{address}..", f"{address}board.html"):
            with pytest.raises(HTTPError, match="404"):
                get(wrong)


def test_a_cluster_without_learners():
    board = Board(LiveApi())
    board.read()
    assert board.rows() == []
    assert "There are no learners" in page.html([], NOW)


def test_the_verb_and_the_function_read_once(monkeypatch, capsys):
    api = LiveApi(*LEARNERS)
    monkeypatch.setattr(module, "connected", lambda folder: api)
    verb(csv=True, json=False)
    assert len(capsys.readouterr().out.splitlines()) == 21
    verb(csv=False, json=True)
    assert len(json.loads(capsys.readouterr().out)) == 20
    assert workbook.board().index.tolist() == LEARNERS


def test_the_verb_serves_until_it_is_interrupted(monkeypatch, capsys):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "connected", lambda folder: LiveApi("ada", whole=False, namespace="ada"))
    monkeypatch.setattr("workbook.cli.board.time", type("Clock", (), {"sleep": staticmethod(interrupt)}))
    verb(csv=False, json=False)
    out = capsys.readouterr().out
    assert re.match(r"Your line of the board: http://127\.0\.0\.1:\d+/[\w-]{20,}/\n", out)
    assert out.endswith("The board has ended.\n")
