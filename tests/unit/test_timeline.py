"""Recordings as pictures, and as descriptions in words."""

import pytest

from workbook import timeline
from workbook.lessons.prober import Prober
from workbook.lessons.recorder import Recorder, Transition


@pytest.fixture
def recorded():
    """One Pod restarts, and is then replaced by another."""
    rows = [
        Transition(0, "a", "", "Ready", 0),
        Transition(1, "a", "Ready", "Error", 0),
        Transition(2, "a", "Error", "Ready", 1),
        Transition(3, "a", "Ready", "Terminating", 1),
        Transition(4, "b", "", "ContainerCreating", 0),
        Transition(5, "b", "ContainerCreating", "Ready", 0),
        Transition(6, "a", "Terminating", "Deleted", 1),
    ]
    return Recorder(rows, begun=100, length=10)


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


def test_a_long_timeline_has_whole_seconds(recorded):
    recorded.length = 61
    assert repr(timeline(recorded, title="A replacement")).splitlines()[2:] == [
        "Pod 2: ContainerCreating 4–5 s, Ready 5–61 s"
    ]


def test_a_timeline_of_nothing():
    assert repr(timeline(Recorder(length=1), title="No Pods")) == "No Pods"
