"""Errors for readers: short, and with a traceback when debugging."""

import pytest

from workbook.base.errors import WorkbookError


def test_the_message_has_what_why_and_what_to_do():
    assert (
        str(WorkbookError("It failed.", "It is full.", "Empty it.")) == "It failed.\nWhy: It is full.\nDo:  Empty it."
    )
    assert str(WorkbookError("It failed.")) == "It failed."


def test_a_notebook_shows_the_message_alone(monkeypatch):
    monkeypatch.delenv("WORKBOOK_DEBUG", raising=False)
    assert WorkbookError("It failed.")._render_traceback_() == ["WorkbookError: It failed."]


def test_a_notebook_shows_the_traceback_when_debugging(monkeypatch):
    monkeypatch.setenv("WORKBOOK_DEBUG", "1")
    with pytest.raises(WorkbookError) as caught:
        raise WorkbookError("It failed.") from ValueError("the cause")
    first, *_, last = caught.value._render_traceback_()
    assert first == "ValueError: the cause" and last == "workbook.base.errors.WorkbookError: It failed."
    assert any(line.startswith(f'  File "{__file__}", line ') for line in caught.value._render_traceback_())
