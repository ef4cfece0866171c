"""The set-up, when several processes need it at the same time, or after it has ended badly."""

import re
import threading
import time
from types import SimpleNamespace

import pytest

from workbook.base import polling
from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.cluster.current import current
from workbook.engine import find
from workbook.machine import journal, set_up


@pytest.fixture
def cluster(api_server, monkeypatch):
    """A running cluster on a machine that is large enough, whose base images are a moment's work."""
    monkeypatch.setattr(find, "ensure_engine", lambda **_: SimpleNamespace())
    monkeypatch.setattr(set_up, "require", lambda engine: None)
    monkeypatch.setattr(set_up, "base", lambda *_: "")
    return current()


@pytest.fixture
def repeated(monkeypatch):
    """The clusters that were set up again."""
    found = []
    monkeypatch.setattr(set_up, "up", found.append)
    return found


@pytest.fixture
def meanwhile(monkeypatch):
    """A function that sets what happens while a set-up is waited for."""

    def set_(action):
        def poll(check, **options):
            assert not check()
            action()
            return polling.poll(check, **options)

        monkeypatch.setattr(set_up, "poll", poll)

    return set_


def end(process, line):
    """End the step of a set-up by this line."""
    process.stdin.write(line)
    process.stdin.flush()


def test_its_steps_are_in_the_journal(cluster, monkeypatch):
    seen = []
    monkeypatch.setattr(set_up, "base", lambda *_: seen.append(journal.read(cluster.folder).running))
    set_up.up()
    assert seen and all(seen)
    assert journal.read(cluster.folder).complete and not journal.running(cluster.folder)


def test_a_failure_before_the_cluster_starts_is_in_the_journal(cluster, monkeypatch):
    def fail(engine):
        raise WorkbookError("This machine cannot run a cluster: memory.", fix="Buy memory.")

    monkeypatch.setattr(set_up, "require", fail)
    with pytest.raises(WorkbookError, match="memory"):
        set_up.up()
    assert journal.read(cluster.folder).error.fix == "Buy memory."
    assert not (cluster.folder / "provider").exists(), "a cluster that was never started has no provider"


def test_the_second_of_two_waits_for_the_first_and_shows_its_progress(
    cluster, set_up_process, meanwhile, capsys, monkeypatch
):
    monkeypatch.setattr("workbook.base.steps.HEARTBEAT", 0)
    process = set_up_process()
    meanwhile(lambda: end(process, "\n"))
    set_up.up()
    assert process.wait() == 0, "it was waited for"
    printed = capsys.readouterr().out
    assert re.search(
        r"· Wait for the set-up …\n  … Wait .*: Compile etcd v3: \d+ s of about \d+ s \(\d+ s\)\n", printed
    )
    assert printed.index("✓ Wait for the set-up (") < printed.index("Cluster 'workbook': ")


def test_the_second_takes_over_when_the_first_is_killed(cluster, set_up_process, meanwhile):
    meanwhile(set_up_process().kill)
    set_up.up()
    assert journal.read(cluster.folder).complete


def test_two_that_begin_at_the_same_moment(cluster, monkeypatch):
    """Both have seen that no other is running, and only one gets the lock."""
    held = threading.Event()

    def other():
        with lock(journal.lock_file(cluster.folder), "set-up"):
            held.set()
            time.sleep(0.5)

    def wait(folder):
        threading.Thread(target=other).start()
        held.wait()

    monkeypatch.setattr(set_up, "_wait", wait)
    set_up.up()
    assert journal.read(cluster.folder).complete


def test_a_wait_has_an_end(cluster, set_up_process, monkeypatch):
    monkeypatch.setattr(set_up, "LONGEST", 0.3)
    set_up_process()
    with pytest.raises(WorkbookError, match=r"Another process is setting up(.|\n)*End that process"):
        set_up.up()


def test_it_waits_for_a_notebook_that_changes_the_cluster(cluster, monkeypatch):
    held = threading.Event()

    def begin():
        with lock(cluster.folder / "lock", "begin(3)"):
            held.set()
            time.sleep(0.5)

    threading.Thread(target=begin).start()
    held.wait()
    set_up.up()
    assert journal.read(cluster.folder).complete


# ---- what a notebook does ----


def test_without_a_set_up_there_is_nothing_to_complete(cluster, repeated, capsys):
    set_up.complete(cluster)
    assert repeated == [] and capsys.readouterr().out == ""


def test_a_set_up_that_ends_well_is_waited_for(cluster, set_up_process, meanwhile, repeated, capsys):
    process = set_up_process()
    meanwhile(lambda: end(process, "\n"))
    set_up.complete(cluster)
    assert repeated == [] and "✓ Wait for the set-up (" in capsys.readouterr().out
    set_up.complete(cluster)
    assert repeated == [] and capsys.readouterr().out == ""


def test_a_set_up_that_fails_meanwhile_is_told_with_its_fix(home, set_up_process, meanwhile, repeated):
    process = set_up_process()
    meanwhile(lambda: end(process, "fail\n"))
    with pytest.raises(WorkbookError, match=r"The disk is full\.(.|\n)*Do:  Free some space\."):
        set_up.complete(current())
    assert repeated == []


def test_a_set_up_that_has_failed_before_is_repeated(home, set_up_process, repeated):
    set_up_process().communicate("fail\n")
    set_up.complete(current())
    assert repeated == [current()]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_set_up_that_was_killed_is_repeated(cluster, set_up_process, meanwhile, repeated, when):
    process = set_up_process()
    if when == "before":
        process.kill()
        process.wait()
    else:
        meanwhile(process.kill)
    set_up.complete(cluster)
    assert repeated == [cluster]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_failure_after_the_clusters_start_does_not_stop_a_notebook(
    cluster, set_up_process, meanwhile, repeated, capsys, when
):
    process = set_up_process()
    if when == "before":
        process.communicate("fail\n")
    else:
        meanwhile(lambda: end(process, "fail\n"))
    set_up.complete(cluster)
    assert repeated == []
    printed = capsys.readouterr().out
    if when == "before":
        assert printed == "", "an error that may be fixed by now"
    else:
        assert "failed. The disk is full.\nWhy: 0 bytes are free.\nDo:  Free some space.\n" in printed
