"""The progress bar under a cell: shown to a reader when a wait takes long enough, and removed afterwards."""

import time

import IPython.display
import pytest

from workbook.base import bar as bars
from workbook.base.polling import poll


class Shown:
    """A replacement for IPython's display handle, which keeps each picture."""

    def __init__(self):
        self.pictures = []

    def display(self, picture, *, raw):
        self.pictures.append(picture)

    def update(self, picture, *, raw):
        self.pictures.append(picture)


@pytest.fixture
def shown(monkeypatch):
    monkeypatch.setattr(bars, "DELAY", 0.05)
    monkeypatch.setattr(bars, "PERIOD", 0.01)
    made = Shown()
    monkeypatch.setattr(IPython.display, "DisplayHandle", lambda: made)
    return made


def test_nobody_watches(shown):
    with bars.bar("Waiting") as say:
        say("nothing yet")
        time.sleep(0.15)
    assert shown.pictures == []


def test_a_reader_sees_what_is_missing_and_in_the_end_nothing(shown, monkeypatch):
    monkeypatch.setattr(bars, "watched", lambda: True)
    with bars.bar("Waiting for <two> Pods", 60) as say:
        say("1 ready")
        # On a busy machine, there may be a picture before it is said.
        poll(lambda: any("1 ready" in picture["text/html"] for picture in shown.pictures), timeout=30)
    *_, last, end = shown.pictures
    assert 'max="60"' in last["text/html"]
    assert "Waiting for &lt;two&gt; Pods: 1 ready (" in last["text/html"]
    assert end == {"text/plain": "", "text/html": ""}


def test_what_is_over_in_a_moment_shows_nothing(shown, monkeypatch):
    monkeypatch.setattr(bars, "watched", lambda: True)
    monkeypatch.setattr(bars, "DELAY", 0.5)  # much longer than a moment, even on a busy machine
    with bars.bar("Waiting"):
        pass
    time.sleep(0.6)
    assert shown.pictures == []


def test_an_error_ends_it_as_well(shown, monkeypatch):
    monkeypatch.setattr(bars, "watched", lambda: True)
    with pytest.raises(ValueError), bars.bar("Waiting"):
        poll(lambda: shown.pictures, timeout=30)
        raise ValueError
    assert shown.pictures[-1] == {"text/plain": "", "text/html": ""}
