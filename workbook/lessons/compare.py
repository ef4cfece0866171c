"""What has changed between two tables of the same kind."""

from itertools import compress

import pandas as pd

from workbook.base.errors import WorkbookError

AGES = {"AGE"}
"""Columns that change by themselves."""


def compare(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """What appeared, vanished, or changed from one table to a later one.

    Objects are told apart by their UID, so one that was replaced by another of the same name has vanished *and* appeared.

    Args:
        before, after: two whole tables of one function of the workbook, called with the same arguments.

    Returns:
        One row per difference; the index is NAME. CHANGE says `appeared`, `vanished`, or which column of an object has
        changed; BEFORE and AFTER are that column's values, or the whole row of what vanished or appeared. No rows: nothing has changed.

    Raises:
        WorkbookError: these are no two tables of one kind.

    Documentation: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#uids
    """
    if list(before.columns) != list(after.columns):
        raise WorkbookError(
            "These two tables cannot be compared.",
            f"One has the columns {', '.join(before.columns)}; the other {', '.join(after.columns)}.",
            "Compare two tables of the same function, such as `pods()`.",
        )
    old, new = _by_uid(before), _by_uid(after)
    lasting = [column not in AGES for column in after.columns]
    rows = [(name, "vanished", _row(cells, lasting), "") for uid, (name, cells) in old.items() if uid not in new]
    rows += [(name, "appeared", "", _row(cells, lasting)) for uid, (name, cells) in new.items() if uid not in old]
    for uid in old.keys() & new.keys():
        name, cells = new[uid]
        columns = compress(zip(after.columns, old[uid][1], cells, strict=True), lasting)
        rows += [(name, column, was, now) for column, was, now in columns if was != now]
    frame = pd.DataFrame(sorted(rows, key=str), columns=["NAME", "CHANGE", "BEFORE", "AFTER"])
    return frame.set_index("NAME").rename_axis(index=None, columns="NAME")


def _row(cells: list, lasting: list[bool]) -> str:
    return ", ".join(map(str, compress(cells, lasting)))


def _by_uid(table: pd.DataFrame) -> dict[str, tuple[str, list]]:
    """The rows of a table, by the UID of their objects: name and values."""
    uids = table.attrs.get("uids", ())
    if len(uids) != len(table):
        raise WorkbookError(
            "This is no whole table of the workbook.",
            "Rows were left out, or it was made by hand, so it is not known which objects its rows are.",
            "Compare tables as `pods()` and the like return them; choose with their `selector`.",
        )
    return {uid: (name, list(values)) for uid, (name, *values) in zip(uids, table.itertuples(), strict=True)}
