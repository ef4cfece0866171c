"""The simulated learners of `make class-load`, on a JupyterLab server without a hub or a cluster."""

import json
import os
import subprocess
from contextlib import closing
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from websocket import WebSocketTimeoutException

from bench.load import __main__ as load
from bench.load import learner as learner_module
from bench.load import sampling
from bench.load.learner import Cell, Connection, Learner
from bench.load.sampling import Samples, percentile
from workbook.base.paths import ROOT
from workbook.base.polling import poll
from workbook.machine.jupyterlab import jupyterlab

DIES = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    """A learner whose server has notebooks; its address is like that of a server behind a hub."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "notebooks").mkdir()
    failing = new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    cells = [new_code_cell("pods = print"), new_code_cell("pods(1)"), failing, new_markdown_cell("text")]
    nbformat.write(new_notebook(cells=cells), folder / "notebooks" / "00_good.ipynb")
    calm = new_code_cell("1 / 1", metadata={"tags": ["raises-exception"]})
    cells = [new_code_cell("1 / 0"), calm, new_code_cell(DIES), new_code_cell("")]
    nbformat.write(new_notebook(cells=cells), folder / "notebooks" / "01_bad.ipynb")
    with jupyterlab(folder, "notebooks/00_good.ipynb") as (command, env, address):
        server = subprocess.Popen(
            [*command, "--no-browser", "--ServerApp.base_url=/user/ada/"], env={**os.environ, **env}
        )
        try:
            ada = Learner("ada", address.replace("/lab/", "/user/ada/lab/"))
            ada.log_in()
            yield ada
        finally:
            server.terminate()
            server.wait(timeout=30)


def test_a_learner_runs_notebooks_and_notices_each_failure(learner):
    way = load.alone(learner, ["00_good", "01_bad"], pause=0)
    assert not way.failure and 0 < way.ready < way.table
    assert [(cell.notebook, cell.failure) for cell in way.cells] == [
        ("00_good", ""),
        ("00_good", ""),
        ("00_good", ""),
        ("01_bad", "ZeroDivisionError: division by zero"),
        ("01_bad", "no error, but the notebook expects one"),
        ("01_bad", "the kernel died"),
    ]


def test_a_notebook_that_is_missing_ends_the_way(learner):
    way = load.alone(learner, ["02_missing"], pause=0)
    assert "404" in way.failure and way.cells == []


def test_what_another_learner_notices_is_counted(learner):
    with learner.kernel() as kernel, closing(learner.connect(kernel)) as connection:
        define = "left = 2\ndef pods():\n    global left\n    left -= 1\n    1 / left\nprint(left)"
        assert connection.run(define) == ("2\n", "")
        rounds = iter((False, False, True))
        times, failed = load.repeated(connection, until=lambda: next(rounds))
    assert len(times) == 3 and failed == 1


def test_a_runaway_whose_kernel_dies_is_reported(learner):
    assert load.misbehave(learner, DIES) == " the kernel died"
    assert load.misbehave(learner, "print(1)") == "1"


class Administrator:
    """An administrator's connection to a cluster with one desk, without a cluster. At each question, its node has worked on."""

    def __init__(self):
        self.seconds = 0

    def list_objects(self, resource, namespace=None):
        return {"items": [{"metadata": {"name": "node"}}] if resource == "nodes" else []}

    def request(self, method, path):
        pod = {"podRef": {"namespace": f"ada{load.DESK}"}, "memory": {"workingSetBytes": 100 * load.MIB}}
        self.seconds += 2
        node = {
            "cpu": {"usageCoreNanoSeconds": self.seconds * 10**9},
            "memory": {"workingSetBytes": 900 * load.MIB},
        }
        return SimpleNamespace(data=json.dumps({"node": node, "pods": [pod]}))


def test_a_runaway_is_measured_by_what_another_learner_notices(learner, monkeypatch):
    monkeypatch.setattr(load, "CALM", 0)
    monkeypatch.setattr(load, "PREPARED", "pods = print")  # the kernel has no cluster
    rows = list(load.runaway(Administrator(), [learner, learner], "a print", "print(1)"))
    assert [row.what.partition(":")[0] for row in rows] == ["a print"] * 4
    slower, failed, unanswered, again = rows
    assert slower.figure == slower.workbook / slower.peer > 0
    assert failed.figure == 0 and failed.runs > 0 and unanswered.figure == 0 and again.figure > 0


def test_what_desks_and_nodes_use_is_sampled(monkeypatch):
    monkeypatch.setattr(sampling, "USAGE", 0.01)
    with sampling.sampling(Administrator(), "ada", load.DESK) as samples:
        poll(lambda: samples.processor.get("node", (0, 0))[1] > 2, timeout=10)
    assert samples.memory == {"ada": 100 * load.MIB}
    assert samples.nodes == {"node": 900 * load.MIB}
    first, last = samples.processor["node"]
    assert first == 2 and last >= 4


class Kernel:
    """A web socket to a kernel that starts a cell, and then only says what it is asked for: the identifier of its process.

    Args:
        processes: the identifier at each question; None for no answer.
        subscribed: the question from which on its output arrives.
    """

    def __init__(self, *processes, subscribed=1):
        self.processes = iter(processes)
        self.subscribed = subscribed
        self.asked = 0
        self.messages = []

    def send(self, text):
        sent = json.loads(text)
        if sent["channel"] == "shell":
            self.say(sent, "iopub", "stream", {"text": "begun"})
            return
        self.asked += 1
        if process := next(self.processes, None):
            self.say(sent, "control", "kernel_info_reply", {}, process)
            if self.asked >= self.subscribed:
                self.say(sent, "iopub", "status", {"execution_state": "idle"}, process)

    def say(self, request, channel, sort, content, process=""):
        header = {"session": process}
        message = {"channel": channel, "msg_type": sort, "header": header, "parent_header": request["header"]}
        self.messages.append(message | {"content": content})

    def recv(self):
        if not self.messages:
            raise WebSocketTimeoutException
        return json.dumps(self.messages.pop(0))


def test_a_kernel_that_was_restarted_counts_as_dead_also_if_the_server_does_not_report_it():
    kernel = Kernel("first", "first", None, "second")
    assert Connection(kernel).run("1") == ("begun", "the kernel died")
    assert kernel.asked == 4


def test_a_cell_waits_until_the_kernels_output_arrives():
    kernel = Kernel("first", "first", "first", "second", subscribed=3)
    assert Connection(kernel).run("1") == ("begun", "the kernel died")
    assert kernel.asked == 4


def test_a_kernel_that_no_longer_answers_counts_as_dead():
    kernel = Kernel("first", "first")
    assert Connection(kernel).run("1") == ("begun", "the kernel died")
    assert kernel.asked == 2 + learner_module.DEAD // learner_module.SILENCE


def test_a_cell_that_never_ends_is_lost(monkeypatch):
    monkeypatch.setattr(learner_module, "CELL", -1)
    with pytest.raises(WebSocketTimeoutException, match="printed nothing"):
        Connection(Kernel("first", "first")).run("1")


def test_goals_are_missed_by_the_slowest_and_the_largest():
    ways = [load.Way("ada", ready=5, table=59), load.Way("bob", ready=6, table=61, failure="lost")]
    known = next(iter(load.NOT_THERE))
    ways[0].cells += [
        Cell("00_good", 0, "1 / 0", 0, 0.1, "ZeroDivisionError"),
        Cell(known, 0, f"{load.NOT_THERE[known][0]} …", 0, 0.1, "Forbidden"),
        Cell(known, 1, "1 / 1", 0, 0.1, ""),
    ]
    samples = Samples()
    samples.latencies += [0.01] * 99 + [2.0]
    samples.memory |= {"ada": 100 * load.MIB, "bob": 400 * load.MIB}
    samples.nodes["node"], samples.processor["node"] = 900 * load.MIB, (10, 40)
    rows = {row.what: row for row in load.class_rows(ways, samples)}
    assert {what for what, row in rows.items() if row.verdict == "✗"} == {
        "link to the first table, the slowest learner",
        "learners who did not finish",
        "cells that failed, without those below",
        "memory of a learner, largest",
    }
    assert rows["cells that failed, without those below"].figure == 1
    assert rows["cells that failed and are in classroom/not-there.toml"].figure == 1
    assert rows["API server, list of Pods, p99"].figure == 2000
    assert rows["memory of all nodes, for each learner"].figure == 450
    assert rows["processor time of all nodes, for each learner"].figure == 15
    assert rows["API server, list of Pods, p50"].figure == pytest.approx(10)


def test_a_learner_without_a_table_misses_the_goal():
    rows = {row.what: row for row in load.class_rows([load.Way("ada", ready=5)], Samples())}
    assert rows["link to the first table, the slowest learner"].verdict == "✗"


@pytest.mark.parametrize("notebook", load.NOT_THERE)
def test_each_listed_cell_exists(notebook):
    book = nbformat.read(ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4)
    for beginning in load.NOT_THERE[notebook]:
        assert any(cell.source.startswith(beginning) for cell in book.cells), beginning


def test_percentiles():
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([1.0], 0.99) == 1.0


@pytest.mark.parametrize("text", [None, "name,link\n", "name,link\nada,http://127.0.0.1/?token=1\n"])
def test_without_a_class_the_error_says_how_to_start_one(tmp_path, monkeypatch, text):
    monkeypatch.setattr(load, "LINKS", tmp_path / "links.csv")
    if text:
        load.LINKS.write_text(text, encoding="utf-8")
    with pytest.raises(load.WorkbookError, match="There is no class to measure") as raised:
        load.links()
    assert "make class" in str(raised.value)
