"""All that is in the workbook's Namespace and on its nodes, now and before anything was done to it."""

import json
from pathlib import Path

import pandas as pd

from workbook.base.errors import WorkbookError
from workbook.cluster.current import api, current
from workbook.lessons import progress as journal
from workbook.lessons.kubectl import kubectl
from workbook.lessons.tables import images, name, named

FLEETING = {"events", "events.events.k8s.io", "pods.metrics.k8s.io", "endpoints"}
"""Kinds that are no possessions: notes, measurements, and the old mirror of the EndpointSlices."""


def snapshot() -> pd.DataFrame:
    """Everything in the workbook's Namespace, of each kind that the API server knows, and the workbook's images on the nodes.

    Events and measurements are left out, and the workbook's own notes of your progress.

    Returns:
        One row per object; the index is NAME (with `*` for a generated part), the column is KIND.

    Documentation: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_api-resources/
    """
    kinds = kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name").split()
    listed = kubectl(
        "get",
        ",".join(kind for kind in kinds if kind not in FLEETING),
        "--ignore-not-found",
        "--output=json",
    )
    rows = [
        [name(item["metadata"]), item["kind"], item["metadata"]["uid"]]
        for item in json.loads(listed or "{}").get("items", [])
        if item["metadata"]["name"] != journal.NAME
    ]
    rows += [[f"{repository}:{tag}", "Image", f"{repository}:{tag}"] for repository, tag in images().itertuples()]
    return _table(rows)


def first_snapshot() -> pd.DataFrame:
    """The snapshot that `begin(…)` has kept from before anything was made in the Namespace; a table as of `snapshot`.

    Raises:
        WorkbookError: there is none, because `begin(…)` was not called since the Namespace was made.
    """
    kept = _kept()
    if kept is None:
        raise WorkbookError("No first snapshot was kept.", fix="Run the notebook's `begin(…)` cell.")
    return _table(kept)


def keep_first() -> None:
    """Keeps a snapshot as the first one of this Namespace."""
    table = snapshot()
    rows = [[*row, uid] for row, uid in zip(table.itertuples(), table.attrs["uids"], strict=True)]
    _file().write_text(json.dumps({"namespace": _namespace(), "rows": rows}))


def is_kept() -> bool:
    """Whether a first snapshot of this Namespace is there."""
    return _kept() is not None


def _kept() -> list[list[str]] | None:
    """The rows that were kept, unless they are of a Namespace that is gone."""
    try:
        kept = json.loads(_file().read_text())
    except (FileNotFoundError, ValueError):
        return None
    return kept["rows"] if kept["namespace"] == _namespace() else None


def _namespace() -> str:
    """The UID of the workbook's Namespace: another one, when it was deleted and made again."""
    return api().objects("namespaces", field_selector=f"metadata.name={current().namespace}")[0]["metadata"]["uid"]


def _file() -> Path:
    return current().folder / "first-snapshot.json"


def _table(rows: list[list[str]]) -> pd.DataFrame:
    names, kinds, uids = zip(*rows, strict=True) if rows else ((), (), ())
    return named(pd.DataFrame({"KIND": kinds}), list(names), list(uids), ["KIND"])
