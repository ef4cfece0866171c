"""Snapshots of the objects in the workbook's namespace and of its images on the nodes: now, and before the first change."""

import json
from pathlib import Path

import pandas as pd

from workbook.base.errors import WorkbookError
from workbook.cluster.current import api, current
from workbook.kube.objects import name
from workbook.lessons.kubectl import kubectl_output
from workbook.lessons.progress import CONFIG_MAP
from workbook.lessons.tables import identified, images

EXCLUDED = {"events", "events.events.k8s.io", "pods.metrics.k8s.io", "endpoints"}
"""Resources that only report: events, metrics, and the older form of EndpointSlices."""


def snapshot() -> pd.DataFrame:
    """Return all objects in the workbook's namespace, of every resource, and the workbook's images on the nodes.

    It leaves out events, metrics, and the ConfigMap with your progress.

    Returns:
        One row per object; the index is NAME (with `*` for a generated part), the column is KIND.

    Raises:
        WorkbookError: no cluster, or kubectl ended with an error.

    Documentation: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_api-resources/
    """
    return _table(_rows())


def first_snapshot() -> pd.DataFrame:
    """Return the snapshot that `begin(…)` took before anything was created in the namespace; a table like `snapshot`'s.

    Raises:
        WorkbookError: no snapshot, because `begin(…)` was not run since the namespace was created.
    """
    if (table := kept_snapshot()) is None:
        raise WorkbookError("There is no first snapshot.", fix="Run the notebook's `begin(…)` cell.")
    return table


def kept_snapshot() -> pd.DataFrame | None:
    """Return the first snapshot; None if there is none, or if the namespace was deleted since."""
    try:
        kept = json.loads(_file().read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return _table(kept["rows"]) if kept["namespace"] == _namespace_uid() else None


def keep_first_snapshot() -> None:
    """Take a snapshot, and store it as the first one of this namespace."""
    _file().write_text(json.dumps({"namespace": _namespace_uid(), "rows": _rows()}), encoding="utf-8")


def _rows() -> list[list[str]]:
    """The name, the kind and the UID of each object and each image."""
    resources = kubectl_output("api-resources", "--namespaced", "--verbs=list", "--output=name").split()
    included = ",".join(resource for resource in resources if resource not in EXCLUDED)
    listed = kubectl_output("get", included, "--ignore-not-found", "--output=json")
    rows = [
        [name(item["metadata"]), item["kind"], item["metadata"]["uid"]]
        for item in json.loads(listed or "{}").get("items", [])
        if item["metadata"]["name"] != CONFIG_MAP
    ]
    return rows + [[image, "Image", image] for image in map(":".join, images().itertuples())]


def _table(rows: list[list[str]]) -> pd.DataFrame:
    return identified(pd.DataFrame(rows, columns=["NAME", "KIND", "UID"]))


def _namespace_uid() -> str:
    """The UID of the workbook's namespace, empty without one; a namespace that was created again has another UID."""
    found = api().find("namespaces", current().namespace)
    return str(found["metadata"]["uid"]) if found else ""


def _file() -> Path:
    return current().folder / "first-snapshot.json"
