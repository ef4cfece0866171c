"""A learner's progress, on the learner's own cluster. Instructors can read it; it is deleted together with the cluster.

It is stored in a ConfigMap in the workbook's namespace: `kubectl get configmap workbook-progress -o yaml`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pandas as pd
from kubernetes.client.exceptions import ApiException

from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.notebooks import find
from workbook.cluster.current import api, own
from workbook.lessons.tables import headed

CONFIG_MAP = "workbook-progress"
SHOWN = {"": "", "begun": "started", "end": "✓ to the end", "solution": "with the solution", "exercise": "✓ done"}
"""How `progress` shows each note. A note only replaces one that comes before it here."""


def note(number: int, what: Literal["begun", "end", "solution", "exercise"], part: int = 0) -> None:
    """Store in the cluster how far a notebook was run, or how an exercise was done, unless a better note exists.

    Stores nothing when the cluster is gone, or does not allow it.

    Args:
        number: the notebook's number.
        what: the notebook was started or run to its end; or an exercise was done with the solution, or without it.
        part: which of the notebook's exercises; 0 if there is only one.
    """
    key = f"{number:02}-{'step' if what in ('begun', 'end') else _exercise(part)}"
    order = list(SHOWN)
    try:
        cluster = api(own())
        found = cluster.find("configmaps", CONFIG_MAP)
        if order.index(_read((found or {}).get("data", {}), key)) >= order.index(what):
            return
        method, name = ("PATCH", CONFIG_MAP) if found else ("POST", "")
        body = {"metadata": {"name": CONFIG_MAP, "labels": labels.MANAGED}, "data": {key: what}}
        cluster.request(method, cluster.path("configmaps", name=name), body=body)
    except WorkbookError:
        return
    except ApiException as error:
        if error.status != 403:
            raise


def progress() -> pd.DataFrame:
    """Return how far you are on your own cluster.

    Returns:
        One row per notebook; the index is NOTEBOOK, the columns are STEP (started, or run to the end) and EXERCISE (done
        on your own, or with the solution). While a notebook's other exercises are open, it has their numbers.

    Raises:
        WorkbookError: no cluster, or no answer from the API server.

    Documentation: https://kubernetes.io/docs/concepts/configuration/configmap/
    """
    notes = (api(own()).find("configmaps", CONFIG_MAP) or {}).get("data", {})
    rows = [[each.notebook, SHOWN[each.step], _in_words(each)] for each in standing(notes)]
    return headed(pd.DataFrame(rows, columns=["NOTEBOOK", "STEP", "EXERCISE"]))


@dataclass(frozen=True)
class Standing:
    """How far a learner is in one notebook: its step, and each of its exercises, as keys of `SHOWN`."""

    notebook: str  # the stem of its file's name
    step: str
    exercises: list[str]


def standing(notes: Mapping[str, str]) -> list[Standing]:
    """Return how far a learner is in each notebook, in their order.

    Args:
        notes: the data of the learner's ConfigMap.
    """
    found = []
    for stem, parts in _notebooks():
        number = stem[:2]
        exercises = [
            _read(notes, f"{number}-{_exercise(part)}") for part in (range(1, parts + 1) if parts > 1 else (0,))
        ]
        found.append(Standing(stem, _read(notes, f"{number}-step"), exercises if parts else []))
    return found


def _read(notes: Mapping[str, str], key: str) -> str:
    """A note; empty if there is none, or one without a meaning, such as after `kubectl edit`."""
    return found if (found := notes.get(key, "")) in SHOWN else ""


def _exercise(part: int) -> str:
    return f"exercise-{part}" if part else "exercise"


@cache
def _parts(path: Path, changed: int) -> int:
    """How many exercises a notebook has: each is checked before its solution. nbformat loads slowly, so this reads JSON."""
    sources = ("".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"])
    return sum(bool(re.search(r"^exercise\(", text, re.MULTILINE)) and "solution=True" not in text for text in sources)


def _notebooks() -> list[tuple[str, int]]:
    """The stem of each notebook's name, and how many exercises it has. A notebook is only read after a change."""
    return [(path.stem, _parts(path, path.stat().st_mtime_ns)) for path in find()]


def _in_words(each: Standing) -> str:
    """How the exercises of a notebook were done, in words."""
    if all(each.exercises) or not any(each.exercises):
        return SHOWN[min(each.exercises, key=list(SHOWN).index, default="")]
    return f"{sum(map(bool, each.exercises))} of {len(each.exercises)} done"
