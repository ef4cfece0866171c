"""What a kernel reports to its learner's ConfigMap, and what it never does: delay a cell, or disturb it."""

import time

import pytest
from IPython.core.interactiveshell import InteractiveShell

import workbook
from workbook.base.polling import poll
from workbook.lessons import report
from workbook.lessons.progress import CONFIG_MAP


@pytest.fixture
def shell(monkeypatch):
    """A shell that has run `%load_ext workbook`. IPython's `get_ipython` returns it, as in a kernel.

    It is unloaded at the end: otherwise its reporter would write to the next test's server.
    """
    monkeypatch.setattr(report, "GAP", 0.01)
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    shell.run_line_magic("load_ext", "workbook")
    shell.run_cell("from workbook import check, exercise")
    yield shell
    workbook.unload_ipython_extension(shell)


@pytest.fixture
def data(api_server):
    """The data of the learner's ConfigMap, as it is now."""
    api_server.add("configmaps", CONFIG_MAP, data={})
    return lambda: api_server.find("configmaps", CONFIG_MAP)["data"]


def patches(api_server):
    return [request for request in api_server.requests if request.startswith("PATCH")]


def test_a_failed_check_is_reported_until_one_passes(data, shell, capsys):
    shell.run_cell("check('it rains', False)")
    poll(lambda: data().get("failed-check") == "it rains" and "last-cell" in data(), timeout=30)
    since = data()["failed-since"]
    assert time.strptime(since, "%Y-%m-%dT%H:%M:%SZ")
    shell.run_cell("check('it snows', False)")
    poll(lambda: data()["failed-check"] == "it snows", timeout=30)
    shell.run_cell("check('it is dry', True)")
    poll(lambda: "failed-check" not in data(), timeout=30)
    assert "failed-since" not in data()


def test_an_exercise_reports_its_first_open_claim(data, shell, capsys):
    shell.run_cell("exercise(3, {'two Pods run': True, 'a third one runs': False, 'a fourth one': False}, part=2)")
    poll(lambda: data().get("failed-check") == "Exercise 03.2: a third one runs", timeout=30)
    shell.run_cell("exercise(3, {'two Pods run': True}, part=2)")
    poll(lambda: "failed-check" not in data(), timeout=30)


def test_the_time_of_the_first_failure_stays(data, shell, capsys, monkeypatch):
    monkeypatch.setattr(report, "PAUSE", 0)
    shell.run_cell("check('it rains', False)")
    poll(lambda: {"failed-since", "last-cell"} <= data().keys(), timeout=30)
    data()["failed-since"] = "then"
    del data()["last-cell"]
    shell.run_cell("check('it rains', False)")
    poll(lambda: "last-cell" in data(), timeout=30)
    assert data()["failed-since"] == "then"


def test_many_cells_are_few_writes(api_server, data, shell):
    for _ in range(50):
        shell.run_cell("1 + 1")
    poll(lambda: "last-cell" in data(), timeout=30)
    assert len(patches(api_server)) <= 2


def test_a_long_text_is_shortened(data, shell, capsys):
    shell.run_cell("check('long ' * 10_000, False)")
    poll(lambda: "failed-check" in data(), timeout=30)
    assert len(data()["failed-check"]) == report.LONGEST


@pytest.mark.parametrize("trouble", ["refused", "slow", "nowhere"])
def test_a_cell_is_neither_delayed_nor_disturbed(api_server, data, shell, capsys, monkeypatch, trouble):
    if trouble == "refused":
        api_server.refused = {"PATCH"}
    elif trouble == "slow":
        monkeypatch.setattr(report, "store", lambda changes: time.sleep(3))
    else:
        monkeypatch.setenv("WORKBOOK_CLUSTER", "no such provider")
    begun = time.monotonic()
    for _ in range(20):
        shell.run_cell("check('it rains', True)")
    assert time.monotonic() - begun < 2
    assert capsys.readouterr() == ("✓ it rains\n" * 20, "")


def test_what_could_not_be_written_is_written_later(api_server, data, shell, capsys, monkeypatch):
    monkeypatch.setattr(report, "PAUSE", 0.05)
    api_server.refused = {"PATCH"}
    shell.run_cell("check('it rains', False)")
    poll(lambda: patches(api_server), timeout=30)
    shell.run_cell("check('it rains', False)")  # the same text is not reported again
    api_server.refused = set()
    poll(lambda: data().get("failed-check") == "it rains" and "failed-since" in data(), timeout=30)


def test_newer_changes_replace_those_that_could_not_be_written(data, shell, monkeypatch):
    store, tried = report.store, []

    def fail_first(changes):
        tried.append(changes)
        if len(tried) == 1:
            shell.workbook_reporter.check("")  # meanwhile, it passes
        return len(tried) > 1 and store(changes)

    monkeypatch.setattr(report, "PAUSE", 0.05)
    monkeypatch.setattr(report, "store", fail_first)
    shell.workbook_reporter.check("it rains")
    poll(lambda: len(tried) == 2, timeout=30)
    assert tried[0]["failed-check"] == "it rains" and tried[1]["failed-check"] is None


def test_nothing_is_reported_outside_of_a_notebook(api_server, data):
    workbook.check("it rains", True)
    time.sleep(0.1)
    assert patches(api_server) == []


def test_a_second_load_reports_once(data, shell):
    reporter = shell.workbook_reporter
    workbook.load_ipython_extension(shell)
    assert shell.workbook_reporter is reporter
    assert shell.events.callbacks["post_run_cell"].count(reporter.cell_ended) == 1


def test_nothing_is_reported_after_the_extension_was_unloaded(api_server, data, shell, capsys, monkeypatch):
    monkeypatch.setattr(report, "PAUSE", 0.5)
    shell.run_cell("1 + 1")
    poll(lambda: "last-cell" in data(), timeout=30)
    shell.run_cell("1 + 1")  # its report is due half a second later
    shell.run_line_magic("unload_ext", "workbook")
    api_server.requests.clear()
    shell.run_cell("check('it rains', False)")
    time.sleep(1)
    assert patches(api_server) == [] and "failed-check" not in data()


def test_a_reload_reports_on(data, shell, capsys):
    shell.run_line_magic("reload_ext", "workbook")
    shell.run_cell("check('it rains', False)")
    poll(lambda: data().get("failed-check") == "it rains", timeout=30)
