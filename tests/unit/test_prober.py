"""A prober's Pod, its program, and the counts from its log."""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice, pairwise
from threading import Thread

import pytest

from workbook import prober
from workbook.base.errors import WorkbookError
from workbook.lessons import prober as module
from workbook.lessons.prober import PROGRAM, Prober, parse


def test_a_log_in_which_answers_came_out_of_order():
    assert parse("100.400 200\n100.000 0\n100.200 503\n") == (100.0, [(0.0, 0), (0.2, 503), (0.4, 200)])


@pytest.mark.parametrize("log", ["", "Traceback\nValueError: no", "100.0 200\nhalf"])
def test_a_log_that_is_none_is_an_error(log):
    with pytest.raises(WorkbookError, match="has no results"):
        parse(log)


def test_the_program_prints_a_line_for_each_request():
    class Answers(BaseHTTPRequestHandler):
        status = 200

        def do_GET(self):
            self.send_response(self.status)
            self.end_headers()

        def log_message(self, *args):
            pass

    def printed(status):  # on a busy machine, other lines may come first
        for line in islice(process.stdout, 50):
            lines.append(line)
            if line.endswith(f" {status}\n"):
                break

    lines = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        words = [f"http://127.0.0.1:{server.server_port}", "0.2", "1"]
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words], stdout=subprocess.PIPE, encoding="utf-8", errors="replace"
        ) as process:
            printed(200)
            Answers.status = 503
            printed(503)
            server.shutdown()
            server.server_close()
            printed(0)
            process.kill()
    begun, rows = parse("".join(lines))
    assert {status for _, status in rows} == {200, 503, 0}
    assert all(round(late - early, 1) >= 0.2 for (early, _), (late, _) in pairwise(rows)) and begun > 1e9


@pytest.mark.parametrize(
    ("statuses", "failures", "downtime"),
    [([200, 200], 0, 0.0), ([200, 0, 0, 200, 503], 3, 0.4), ([0, 0, 0], 3, 0.6), ([], 0, 0.0)],
)
def test_downtime_is_the_longest_gap(statuses, failures, downtime):
    probed = Prober(0.2, [(n * 0.2, status) for n, status in enumerate(statuses)])
    assert (probed.failures, round(probed.downtime, 3)) == (failures, downtime)


@pytest.fixture
def done(monkeypatch):
    """The actions on the Pod, in order, without a cluster."""
    done = []
    monkeypatch.setattr(module, "delete", lambda *args: done.append("delete"))
    monkeypatch.setattr(module, "kubectl", lambda *args: done.append(args[0]) or done.append(args[-3:]))
    monkeypatch.setattr(module, "kubectl_output", lambda *args: done.append(args[0]) or "100.0 200\n100.2 0\n")
    monkeypatch.setattr(module, "pods_ready", lambda *args: done.append("wait"))
    return done


def test_requests_are_counted_when_the_block_has_ended(done):
    with prober("webservice:81", rate=10, timeout=0.1) as probed:
        assert done == ["delete", "run", ("http://webservice:81", "0.1", "0.1"), "wait"]
    assert done[4:] == ["logs", "delete"]
    assert (probed.begun, probed.rows, probed.failures) == (100.0, [(0.0, 200), (0.2, 0)], 1)


def test_the_pod_is_deleted_after_an_error_in_the_block(done):
    with pytest.raises(LookupError), prober("webservice"):
        raise LookupError
    assert done[4:] == ["delete"]


@pytest.mark.parametrize(("node", "spec"), [("", {}), ("worker", {"nodeName": "worker"})])
def test_requests_come_from_the_node_that_was_chosen(done, monkeypatch, node, spec):
    ran = []
    monkeypatch.setattr(module, "kubectl", lambda *args: ran.extend(args))
    with prober("10.96.0.7", node=node, timeout=0.1):
        [overrides] = [word.removeprefix("--overrides=") for word in ran if word.startswith("--overrides=")]
    assert json.loads(overrides) == {"spec": {"terminationGracePeriodSeconds": 1} | spec}
