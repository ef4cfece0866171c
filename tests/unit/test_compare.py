"""The differences that `compare` finds between two tables."""

import pandas as pd
import pytest

from workbook.base.errors import WorkbookError
from workbook.lessons.compare import compare
from workbook.lessons.tables import identified


def table(*rows):
    """Rows of (UID, NAME, READY, RESTARTS, AGE)."""
    frame = pd.DataFrame(rows, columns=["UID", "NAME", "READY", "RESTARTS", "AGE"])
    return identified(frame[["NAME", "READY", "RESTARTS", "AGE", "UID"]])


def changes(before, after):
    return list(compare(before, after).itertuples(name=None))


BEFORE = table(("1", "web-*", "1/1", 0, "5s"), ("2", "web-*", "1/1", 0, "5s"))


def test_age_is_no_change():
    assert changes(BEFORE, table(("1", "web-*", "1/1", 0, "9s"), ("2", "web-*", "1/1", 0, "9s"))) == []


def test_changed_appeared_vanished():
    after = table(("2", "web-*", "0/1", 1, "9s"), ("3", "web-*", "1/1", 0, "1s"))
    assert changes(BEFORE, after) == [
        ("web-*", "READY", "1/1", "0/1"),
        ("web-*", "RESTARTS", 0, 1),
        ("web-*", "appeared", "", "1/1, 0"),
        ("web-*", "vanished", "1/1, 0", ""),
    ]


def test_same_name_and_look_but_another_object():
    assert changes(table(("1", "a", "1/1", 0, "")), table(("2", "a", "1/1", 0, ""))) == [
        ("a", "appeared", "", "1/1, 0"),
        ("a", "vanished", "1/1, 0", ""),
    ]


def test_from_and_to_nothing():
    assert [change for _, change, *_ in changes(BEFORE, table())] == ["vanished"] * 2
    assert [change for _, change, *_ in changes(table(), BEFORE)] == ["appeared"] * 2


def test_the_order_of_the_rows_does_not_matter():
    assert changes(BEFORE, table(("2", "web-*", "1/1", 0, "5s"), ("1", "web-*", "1/1", 0, "5s"))) == []


def test_tables_of_two_kinds():
    with pytest.raises(WorkbookError, match=r"cannot be compared(.|\n)*READY, RESTARTS, AGE; the second READY"):
        compare(BEFORE, BEFORE[["READY"]])


def test_part_of_a_table():
    with pytest.raises(WorkbookError, match="not a complete table"):
        compare(BEFORE, BEFORE.iloc[:1])
