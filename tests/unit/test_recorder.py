"""What a recorder makes of the states that it is shown, what a prober makes of its log, and how both are drawn."""

import pytest

from workbook.base.errors import WorkbookError
from workbook.lessons.prober import PROGRAM, Prober, parse
from workbook.lessons.recorder import Recorder, _note, state
from workbook.lessons.timeline import timeline


def pod(name, *, phase="Running", ready=False, restarts=0, container=None, deleted=False):
    return {
        "metadata": {"name": name, **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleted else {})},
        "status": {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"restartCount": restarts, "state": container or {"running": {}}}],
        },
    }


@pytest.mark.parametrize(
    ("shown", "word"),
    [
        (pod("a", ready=True), "Ready"),
        (pod("a"), "Running"),
        (pod("a", phase="Pending", container={"waiting": {"reason": "ContainerCreating"}}), "ContainerCreating"),
        (pod("a", container={"waiting": {"reason": "CrashLoopBackOff"}}), "CrashLoopBackOff"),
        (pod("a", container={"terminated": {"reason": "Error", "exitCode": 1}}), "Error"),
        (pod("a", ready=True, deleted=True), "Terminating"),
        ({"metadata": {"name": "a"}, "status": {"phase": "Pending"}}, "Pending"),
    ],
)
def test_state(shown, word):
    assert state(shown) == word


@pytest.fixture
def recorded():
    """One Pod restarts, and is then replaced by another."""
    recorder, seen = Recorder(), {}
    for shown in (
        {"1": pod("a", ready=True)},
        {"1": pod("a", ready=True)},
        {"1": pod("a", container={"terminated": {"reason": "Error"}})},
        {"1": pod("a", ready=True, restarts=1)},
        {
            "1": pod("a", restarts=1, deleted=True),
            "2": pod("b", phase="Pending", container={"waiting": {"reason": "ContainerCreating"}}),
        },
        {"1": pod("a", restarts=1, deleted=True), "2": pod("b", ready=True)},
        {"2": pod("b", ready=True)},
    ):
        _note(recorder, seen, shown)
    recorder.rows = [(float(at), *row[1:]) for at, row in enumerate(recorder.rows)]
    recorder.length = 10.0
    return recorder


def test_transitions_in_order_without_inventions(recorded):
    rows = [tuple(row) for row in recorded.transitions().itertuples()]
    assert rows == [
        (1, "", "Ready", 0),
        (1, "Ready", "Ready", 1),
        (1, "Ready", "Terminating", 1),
        (2, "", "Ready", 0),
        (1, "Terminating", "Deleted", 1),
    ]
    assert "ContainerCreating" in recorded.transitions(wide=True)["TO"].tolist()


def test_when(recorded):
    assert recorded.when(1, "Ready") == 0 and recorded.when(1, "Ready", 2) == 2
    with pytest.raises(WorkbookError, match=r"Pod 2 was not 'Error' 1 time"):
        recorded.when(2, "Error")


def test_counts_leave_out_what_is_on_its_way_out(recorded):
    assert recorded.counts()[["PODS", "READY"]].values.tolist() == [[1, 1], [1, 0], [1, 1], [0, 0], [1, 0], [1, 1]]


def test_a_pod_that_comes_before_its_predecessor_is_marked_for_deletion_is_not_desired():
    recorder = Recorder(desired=[(0.0, 1), (1.0, 2), (3.0, 1)])
    recorder.rows = [
        (0.0, "a", "", "Ready", 0),
        (2.0, "b", "", "Ready", 0),
        (4.0, "c", "", "Pending", 0),  # the third before the first is marked
        (5.0, "a", "Ready", "Terminating", 0),
    ]
    counts = recorder.counts()
    assert counts["DESIRED"].tolist() == [1, 2, 2, 1, 1, 1]
    assert counts["PODS"].max() == 3 and counts["DESIRED"].max() == 2


def test_counts_of_what_was_there_from_the_beginning_are_one_row():
    recorder = Recorder()
    _note(recorder, {}, {"1": pod("a", ready=True), "2": pod("b", ready=True), "3": pod("c")})
    assert recorder.counts()[["PODS", "READY"]].values.tolist() == [[3, 2]]


def test_a_recording_that_broke_off_says_so():
    with pytest.raises(WorkbookError, match=r"broke off(.|\n)*403"):
        Recorder(error="403 Forbidden").transitions()


def test_a_log_in_which_answers_came_out_of_order():
    assert parse("100.400 200\n100.000 0\n100.200 503\n") == (100.0, [(0.0, 0), (0.2, 503), (0.4, 200)])


@pytest.mark.parametrize("log", ["", "Traceback\nValueError: no", "100.0 200\nhalf"])
def test_a_log_that_is_none_is_an_error(log):
    with pytest.raises(WorkbookError, match="has not counted"):
        parse(log)


def test_the_program_that_asks_is_one():
    compile(PROGRAM, "prober", "exec")


@pytest.mark.parametrize(
    ("statuses", "failures", "downtime"),
    [([200, 200], 0, 0.0), ([200, 0, 0, 200, 503], 3, 0.4), ([0, 0, 0], 3, 0.6), ([], 0, 0.0)],
)
def test_downtime_is_the_longest_gap(statuses, failures, downtime):
    probed = Prober(0.2, [(n * 0.2, status) for n, status in enumerate(statuses)])
    assert (probed.failures, round(probed.downtime, 3)) == (failures, downtime)


def test_a_timeline_is_a_picture_with_words(recorded):
    picture = timeline(recorded, title="A replacement", probed=Prober(1, [(0.0, 200), (1.0, 0), (2.0, 200)]))
    data, metadata = picture._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == data["text/plain"]
    assert data["text/plain"].splitlines()[:2] == [
        "A replacement",
        "Pod 1: Ready 0.0–1.0 s, Error 1.0–2.0 s, Ready 2.0–3.0 s, Terminating 3.0–6.0 s; restarted at 2.0 s",
    ]
    assert "3, of which 1 failed; longest failure 1 s" in data["text/plain"]
