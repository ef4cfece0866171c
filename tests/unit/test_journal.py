"""The journal of a set-up, read by other processes while it is written, and later."""

import json
import re
import threading

import pytest

from workbook.base import durations
from workbook.base.errors import WorkbookError
from workbook.base.polling import poll
from workbook.base.steps import step
from workbook.machine import journal


def test_without_a_set_up_there_is_none_and_none_is_made(tmp_path):
    assert journal.read(tmp_path) is None and not journal.running(tmp_path)
    assert not list(tmp_path.iterdir())


def test_another_process_sees_the_step_that_runs(set_up_process, home):
    process = set_up_process()
    found = journal.read(home / "clusters/workbook")
    assert found.running and not found.complete and found.error is None
    assert re.fullmatch(r"Compile etcd v3: \d+ s of about \d+ s", found.progress)
    process.communicate("\n")
    found = journal.read(home / "clusters/workbook")
    assert found.complete and not found.running and found.steps == {}


def test_a_set_up_that_is_killed_was_interrupted(set_up_process, home):
    process = set_up_process()
    process.kill()
    process.wait()
    found = journal.read(home / "clusters/workbook")
    assert (found.running, found.complete, found.error) == (False, False, None)


def test_a_failure_is_kept_with_its_fix(set_up_process, home):
    set_up_process().communicate("fail\n")
    found = journal.read(home / "clusters/workbook")
    assert str(found.error) == "The disk is full.\nWhy: 0 bytes are free.\nDo:  Free some space."
    assert not found.running and not found.complete


def test_an_unexpected_error_is_kept_too(home):
    with pytest.raises(OSError), journal.recorded(home):
        raise OSError(28, "No space left on device")
    assert "OSError: [Errno 28] No space left" in journal.read(home).error.what


def test_the_next_set_up_begins_a_new_journal(set_up_process, home):
    set_up_process().communicate("fail\n")
    set_up_process().communicate("\n")
    found = journal.read(home / "clusters/workbook")
    assert found.complete and found.error is None


def test_the_step_that_takes_longest_is_shown(home):
    begun = threading.Event()

    def compile_() -> None:
        with step("Compile kubernetes v1"):
            begun.wait()

    with journal.recorded(home):
        assert journal.read(home).progress == "it begins"
        thread = threading.Thread(target=compile_)
        thread.start()
        with step("Pull python"), step("Compile etcd v3"):
            poll(lambda: len(journal.read(home).steps) == 3, timeout=30)
            assert journal.read(home).progress.startswith("Compile kubernetes v1: ")
            begun.set()
            thread.join()
            assert journal.read(home).progress.startswith("Compile etcd v3: ")
        assert journal.read(home).progress == "between two steps"


def test_only_steps_that_ended_well_are_remembered_and_only_by_a_complete_set_up(home, monkeypatch):
    times = iter(range(0, 1000, 10))
    monkeypatch.setattr("workbook.base.steps.time.monotonic", lambda: next(times))
    with pytest.raises(WorkbookError), journal.recorded(home), step("Install Docker"):
        raise WorkbookError("It failed.")
    assert durations.expected("Install Docker") is None
    with journal.recorded(home):
        with pytest.raises(ValueError), step("Pull python"):
            raise ValueError
        with step("Install Docker"):
            pass
    assert durations.expected("Install Docker") == 10
    assert durations.expected("Pull python") is None


def test_a_line_that_is_being_written_is_left_out(home):
    with journal.recorded(home), step("Compile etcd v3"):
        [file] = home.glob("*.jsonl")
        with file.open("a", encoding="utf-8") as more:
            more.write('{"ended": "Compile')
        assert list(journal.read(home).steps) == ["Compile etcd v3"]


def test_what_is_logged_afterwards_is_not_in_the_journal(home):
    with journal.recorded(home):
        pass
    with step("Later"):
        pass
    [file] = home.glob("*.jsonl")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [set(line) - {"at"} for line in lines] == [{"pid"}, {"complete"}]
