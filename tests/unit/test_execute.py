"""Executing notebooks, with notebooks that need no cluster."""

import _thread
import signal
from threading import Thread

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.record import tidy
from workbook.base import notebooks
from workbook.base.polling import poll
from workbook.publish import execute as module
from workbook.publish.execute import execute, longest_first


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of notebooks in place of the workbook's: 00 succeeds, 01 fails."""
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    for name, source in (("00_add", "1 + 1"), ("01_divide", "1 / 0")):
        book = new_notebook(cells=[new_markdown_cell("# A title"), new_code_cell(source), new_code_cell("'after'")])
        nbformat.write(book, tmp_path / f"{name}.ipynb")
    return tmp_path


def test_a_notebook_that_fails_does_not_keep_the_others_from_running(shelf):
    kept = {}
    outcomes = execute(notebooks.find()[::-1], lambda path, book: kept.update({path.stem: book}))
    assert [bool(outcome.error) for outcome in outcomes] == [True, False]
    assert "ZeroDivisionError" in outcomes[0].error and "\x1b" not in outcomes[0].error
    good = kept["00_add"]
    tidy(good)
    assert [cell.execution_count for cell in good.cells[1:]] == [1, 2]
    assert good.cells[1].outputs[0]["data"]["text/plain"] == "2"
    assert "execution" not in good.cells[1].metadata
    assert kept["01_divide"].metadata.workbook["failed"]


def test_a_cell_that_should_fail_and_does_not_is_a_failure(shelf):
    tagged = new_code_cell("1 + 1", metadata={"tags": ["raises-exception"]})
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A title"), tagged]), shelf / "02_meant.ipynb")
    (outcome,) = execute(notebooks.find(("2",)), lambda path, book: None)
    assert outcome.error == "This cell should fail, but did not:\n1 + 1"


def test_a_notebook_that_is_not_possible_here_is_no_failure(shelf, capsys):
    refusal = (
        "from workbook.base.errors import NotPossible\nraise NotPossible('There is one node.', fix='Add another.')"
    )
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A title"), new_code_cell(refusal)]), shelf / "02_two.ipynb")
    kept = {}
    (outcome,) = execute(notebooks.find(("2",)), lambda path, book: kept.update({path.stem: book}))
    assert (outcome.error, outcome.not_possible) == ("", "There is one node.\nDo:  Add another.")
    assert kept["02_two"].metadata.workbook["failed"]  # so that its recorded outputs are kept
    shown = capsys.readouterr().out
    assert "not possible here" in shown and "02_two.ipynb:\nThere is one node." in shown


@pytest.fixture
def five(tmp_path, monkeypatch):
    """Five notebooks of 7, 1, 2, 3 and 9 seconds, each with the name of its cluster as output. 02 and 03 wait for each other."""
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    monkeypatch.setenv("WORKBOOK_PROFILE", "w")
    meet = """
from pathlib import Path
from workbook.base.polling import poll
Path({own!r}).touch()
poll(Path({other!r}).exists, timeout=60)
"""
    for number, length in enumerate((7, 1, 2, 3, 9)):
        files = {name: str(tmp_path / name) for name in ("2", "3")}
        own, other = (files["2"], files["3"]) if number == 2 else (files["3"], files["2"])
        source = meet.format(own=own, other=other) if number in (2, 3) else ""
        cells = [new_markdown_cell("# A title"), new_code_cell(f"{source}import os; os.environ['WORKBOOK_PROFILE']")]
        book = new_notebook(cells=cells, metadata={"workbook": {"seconds": length}})
        nbformat.write(book, tmp_path / f"{number:02}_five.ipynb")
    return notebooks.find()


def test_the_first_one_comes_first_then_the_longest_and_the_last_one_last(five):
    assert [path.name[:2] for path in longest_first(five)] == ["00", "03", "02", "01", "04"]
    assert [path.name[:2] for path in longest_first(five[1:3])] == ["02", "01"]


def test_lanes_work_at_once_and_the_first_and_the_last_notebook_have_the_first_cluster(five, monkeypatch, capsys):
    monkeypatch.setattr(module, "start", lambda lane: "")
    kept = {}
    outcomes = execute(five, lambda path, book: kept.update({path: book.cells[1].outputs[0]["data"]["text/plain"]}), 2)
    assert [outcome.notebook for outcome in outcomes] == five and not any(outcome.error for outcome in outcomes)
    assert {kept[five[2]], kept[five[3]]} == {"'w'", "'w-lane-2'"}
    assert kept[five[0]] == kept[five[4]] == "'w'"
    assert "All together took " in capsys.readouterr().out


def test_the_first_lane_does_all_when_the_cluster_of_another_does_not_start(shelf, monkeypatch, capsys):
    monkeypatch.setattr(module, "start", lambda lane: "no space left")
    outcomes = execute(notebooks.find(), lambda path, book: None, 2)
    assert [bool(outcome.error) for outcome in outcomes] == [False, True]
    shown = capsys.readouterr().out
    assert "no space left\nThe cluster of lane 2 does not start, so the other lanes do its work." in shown


def test_an_unexpected_error_in_a_lane_ends_the_others_and_is_not_wrapped(shelf, monkeypatch):
    monkeypatch.setattr(module, "start", lambda lane: "")

    def keep(path, book):
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        execute(notebooks.find(), keep, 2)


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt, even where the tests run in a shell's background, in which it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("lanes", [1, 2])
def test_ctrl_c_ends_the_kernels_and_nothing_else_begins(tmp_path, monkeypatch, interruptible, lanes):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(module, "start", lambda lane: "")
    source = f"from pathlib import Path\nimport os, time\nPath({str(tmp_path)!r}, f'{{os.getpid()}}.pid').touch()\ntime.sleep(60)"
    for number in range(4):
        book = new_notebook(cells=[new_markdown_cell("# A title"), new_code_cell(source)])
        nbformat.write(book, tmp_path / f"{number:02}_long.ipynb")

    def kernels():
        return [int(file.stem) for file in tmp_path.glob("*.pid")]

    def interrupt():
        poll(lambda: len(kernels()) == lanes, timeout=60)
        _thread.interrupt_main()

    Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        execute(notebooks.find(), lambda path, book: pytest.fail(f"{path} has ended"), lanes)
    assert len(kernels()) == lanes and not any(map(psutil.pid_exists, kernels()))
