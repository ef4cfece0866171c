"""Differences between two tables of the same function."""

from collections.abc import Hashable

import pandas as pd

from workbook.base.errors import WorkbookError
from workbook.lessons.tables import headed


def compare(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return what appeared, vanished, or changed from one table to a later one, except ages.

    Objects are identified by their UID, so one that was replaced by another of the same name has vanished *and* appeared.

    Args:
        before, after: two complete tables of one function of the workbook, called with the same arguments.

    Returns:
        One row per difference; the index is NAME. CHANGE is `appeared`, `vanished`, or the column that has changed;
        BEFORE and AFTER are that column's values, or the whole row of an object that vanished or appeared.

    Raises:
        WorkbookError: the two tables have different columns, or are not complete tables of the workbook.

    Documentation: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#uids
    """
    if list(before.columns) != list(after.columns):
        raise WorkbookError(
            "These two tables cannot be compared.",
            f"The first has the columns {', '.join(before.columns)}; the second {', '.join(after.columns)}.",
            "Compare two tables of the same function, such as `pods()`.",
        )
    old, new = _by_uid(before), _by_uid(after)
    rows: list[tuple[object, ...]] = []
    for uid, row in (old | new).items():
        name = row.pop("NAME")
        look = ", ".join(map(str, row.values()))
        if uid not in new:
            rows.append((name, "vanished", look, ""))
        elif uid not in old:
            rows.append((name, "appeared", "", look))
        else:
            rows += [(name, key, old[uid][key], value) for key, value in row.items() if value != old[uid][key]]
    return headed(pd.DataFrame(sorted(rows, key=str), columns=["NAME", "CHANGE", "BEFORE", "AFTER"]))


def _by_uid(table: pd.DataFrame) -> dict[str, dict[Hashable, object]]:
    """The rows of a table without AGE, by the UIDs of their objects."""
    uids = table.attrs.get("uids", ())
    if len(uids) != len(table):
        raise WorkbookError(
            "This is not a complete table of the workbook.",
            "Rows are missing, or the table does not come from the workbook, so the UIDs of its objects are unknown.",
            "Compare tables as `pods()` returns them. To select rows, use its `selector`.",
        )
    rows = table.drop(columns="AGE", errors="ignore").reset_index(names="NAME").to_dict("records")
    return dict(zip(uids, rows, strict=True))
