"""What has changed between two tables of the same function."""

import pandas as pd

from workbook.base.errors import WorkbookError


def compare(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return what appeared, vanished, or changed from one table to a later one.

    Objects are identified by their UID, so one that was replaced by another of the same name has vanished *and* appeared.

    Args:
        before, after: two whole tables of one function of the workbook, called with the same arguments.

    Returns:
        One row per difference; the index is NAME. CHANGE is `appeared`, `vanished`, or the column that has changed;
        BEFORE and AFTER are that column's values, or the whole row of an object that vanished or appeared. The table is
        empty when nothing has changed.

    Raises:
        WorkbookError: the two tables have different columns, or are not whole tables of the workbook.

    Documentation: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#uids
    """
    if list(before.columns) != list(after.columns):
        raise WorkbookError(
            "These two tables cannot be compared.",
            f"The first has the columns {', '.join(before.columns)}; the second {', '.join(after.columns)}.",
            "Compare two tables of the same function, such as `pods()`.",
        )
    old, new = _by_uid(before), _by_uid(after)
    rows: list[tuple[object, ...]]
    rows = [(name, "vanished", ", ".join(map(str, cells)), "") for uid, (name, cells) in old.items() if uid not in new]
    rows += [(name, "appeared", "", ", ".join(map(str, cells))) for uid, (name, cells) in new.items() if uid not in old]
    for uid in old.keys() & new.keys():
        name, cells = new[uid]
        columns = zip(_lasting(after), old[uid][1], cells, strict=True)
        rows += [(name, column, earlier, later) for column, earlier, later in columns if earlier != later]
    frame = pd.DataFrame(sorted(rows, key=str), columns=["NAME", "CHANGE", "BEFORE", "AFTER"])
    return frame.set_index("NAME").rename_axis(index=None, columns="NAME")


def _lasting(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of a table that do not change on their own."""
    return table.drop(columns="AGE", errors="ignore")


def _by_uid(table: pd.DataFrame) -> dict[str, tuple[str, list[object]]]:
    """The name and the lasting values in each row of a table, by the object's UID."""
    uids = table.attrs.get("uids", ())
    if len(uids) != len(table):
        raise WorkbookError(
            "This is not a whole table of the workbook.",
            "Rows were left out, or it was not made by the workbook, so the UIDs of its objects are unknown.",
            "Compare tables as `pods()` returns them; to choose rows, use its `selector`.",
        )
    return {uid: (name, values) for uid, (name, *values) in zip(uids, _lasting(table).itertuples(), strict=True)}
