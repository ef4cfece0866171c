"""Steps in a log: whole lines, and a sign of life from long ones."""

import pytest

from workbook.base import steps


def test_a_step_says_what_it_does_and_how_it_ended(capsys):
    with steps.step("Build it") as running:
        running.update("detail")
        running.result = "3 layers"
    begun, ended = capsys.readouterr().out.splitlines()
    assert begun == "· Build it …"
    assert ended.startswith("✓ Build it: 3 layers (") and ended.endswith(" s)")


def test_a_step_that_fails(capsys):
    with pytest.raises(ValueError), steps.step("Build it"):
        raise ValueError
    assert capsys.readouterr().out.splitlines()[1].startswith("✗ Build it (")


def test_a_long_one_shows_that_it_is_alive(capsys, monkeypatch):
    monkeypatch.setattr(steps, "HEARTBEAT", 0)
    with steps.step("Compile") as running:
        running.update("a package")
    assert "  … Compile: a package (0 s)" in capsys.readouterr().out.splitlines()
