"""The rows of the teacher's board: from each learner's ConfigMap and Pods to a line of a table.

Learners can write anything into their ConfigMap. So a row's name is that of the namespace, where only one learner may
write, and the rest is read as text of limited length, without characters that move or hide other text.
"""

import csv
import io
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from workbook.cluster.protocol import kubernetes_time
from workbook.diagnosis.conclusions import findings
from workbook.diagnosis.findings import Evidence
from workbook.kube.objects import Object
from workbook.lessons.progress import Standing, standing
from workbook.lessons.report import FAILED_CHECK, FAILED_SINCE, LAST_CELL, LONGEST

STUCK_AFTER = timedelta(seconds=30)
"""How long a Pod may be unready, without another fault, before the board calls it stuck. Many programs start slowly."""
STATES: tuple[str, ...] = ("needs help", "not begun", "working", "finished")
"""What the board says about a learner, in the order of its rows."""


@dataclass(frozen=True)
class Row:
    """A learner's line on the board."""

    learner: str  # the name of the namespace
    notebooks: list[Standing]
    failed: str  # the text of the check that fails; empty if none does
    failed_since: datetime | None
    last_cell: datetime | None
    stuck: list[str]  # Pods with the reason, such as `Pod webapp-deployment-*: ErrImageNeverPull`
    stuck_since: datetime | None

    @property
    def begun(self) -> int:
        """How many notebooks the learner has begun."""
        return sum(bool(each.step) for each in self.notebooks)

    @property
    def done(self) -> int:
        """How many notebooks the learner has run to the end."""
        return sum(each.step == "end" for each in self.notebooks)

    @property
    def exercises(self) -> int:
        """How many exercises the learner has done without the solution."""
        return sum(each.exercises.count("exercise") for each in self.notebooks)

    @property
    def solutions(self) -> int:
        """How many exercises the learner has done with the solution."""
        return sum(each.exercises.count("solution") for each in self.notebooks)

    @property
    def state(self) -> str:
        """One of `STATES`."""
        if self.failed or self.stuck:
            return STATES[0]
        if not self.begun:
            return STATES[1]
        return STATES[3] if self.done == len(self.notebooks) else STATES[2]

    def record(self) -> dict[str, object]:
        """Return the row as simple values, for JSON, CSV and a DataFrame. Times are in UTC."""
        steps = {f"{each.notebook[:2]}": shown(each) for each in self.notebooks}
        return {
            "learner": self.learner,
            "state": self.state,
            "begun": self.begun,
            "done": self.done,
            "exercises": self.exercises,
            "with_solution": self.solutions,
            "failed_check": self.failed,
            "failed_since": _text(self.failed_since),
            "last_cell": _text(self.last_cell),
            "stuck_pods": "; ".join(self.stuck),
            **steps,
        }


def shown(each: Standing) -> str:
    """Return how far a learner is in a notebook, in short: `""`, `"begun"`, `"done"`, with exercises as in `"done 1/2"`."""
    step = {"begun": "begun", "end": "done"}.get(each.step, "")
    own = each.exercises.count("exercise")
    return f"{step} {own}/{len(each.exercises)}".strip() if step or own else ""


def rows(
    learners: Iterable[str], config_maps: Mapping[str, Object], pods: Iterable[Object], now: datetime
) -> list[Row]:
    """Return a row for each learner, sorted by who needs help: the longest trouble first.

    Then come the learners who have not begun, those whose last cell is longest ago, and those who have finished.

    Args:
        learners: the names of their namespaces.
        config_maps: each namespace's ConfigMap with the progress, where there is one.
        pods: the Pods of all these namespaces, and maybe of others.
        now: the time.
    """
    by_namespace: dict[str, list[Object]] = {}
    for pod in pods:
        by_namespace.setdefault(pod["metadata"]["namespace"], []).append(pod)
    found = [_row(name, config_maps.get(name, {}), by_namespace.get(name, []), now) for name in set(learners)]

    def order(row: Row) -> tuple[int, datetime, datetime, str]:
        trouble = min(filter(None, (row.failed_since, row.stuck_since)), default=now)
        return STATES.index(row.state), trouble, row.last_cell or now, row.learner

    return sorted(found, key=order)


def most_frequent(found: Iterable[Row]) -> tuple[str, int]:
    """Return the failed check or the reason of stuck Pods that most learners have, and how many; `("", 0)` without any.

    A learner's text counts once, whatever it says.
    """
    reasons = ({row.failed, *(each.partition(": ")[2] for each in row.stuck)} - {""} for row in found)
    counted = Counter(reason for each in reasons for reason in sorted(each))
    return max(counted.items(), key=lambda item: (item[1], item[0]), default=("", 0))


def as_json(found: Iterable[Row]) -> str:
    """Return the rows as a JSON list."""
    return json.dumps([row.record() for row in found], ensure_ascii=False, indent=1)


def as_csv(found: Iterable[Row]) -> str:
    """Return the rows as CSV with a header. A text that a spreadsheet would run as a formula begins with an apostrophe.

    Documentation: https://owasp.org/www-community/attacks/CSV_Injection
    """
    records = [row.record() for row in found]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(records[0] if records else ["learner"])
    for record in records:
        writer.writerow(
            f"'{value}" if str(value).startswith(("=", "+", "-", "@")) else value for value in record.values()
        )
    return file.getvalue()


def _row(name: str, config_map: Object, pods: list[Object], now: datetime) -> Row:
    data: dict[str, str] = config_map.get("data") or {}
    failed = _plain(data.get(FAILED_CHECK, ""))
    stuck, since = _stuck(pods, now)
    return Row(
        learner=name,
        notebooks=standing(data),
        failed=failed,
        failed_since=_time(data.get(FAILED_SINCE, ""), now) if failed else None,
        last_cell=_time(data.get(LAST_CELL, ""), now),
        stuck=stuck,
        stuck_since=since,
    )


def _stuck(pods: list[Object], now: datetime) -> tuple[list[str], datetime | None]:
    """The Pods with a fault, each with its reason, and since when the first of them is not ready."""
    found: list[str] = []
    since: list[datetime] = []
    for pod in pods:
        evidence = Evidence(
            pods=[pod],
            **{kind: [] for kind in ("replicasets", "statefulsets", "deployments", "services", "all_pods", "events")},
            images=list,
            log=lambda pod, container, previous: "",
            name_servers=list,
            architectures=lambda pod, image: ("", ""),
            now=now,
        )
        begun = _unready_since(pod, now)
        for finding in findings(evidence):
            if finding.reason != "NotReady" or now - begun > STUCK_AFTER:
                found.append(f"{finding.subject}: {finding.reason}")
                since.append(begun)
    return list(dict.fromkeys(found)), min(since, default=None)


def _unready_since(pod: Object, now: datetime) -> datetime:
    conditions = {each["type"]: each for each in pod.get("status", {}).get("conditions", [])}
    changed = conditions.get("Ready", {}).get("lastTransitionTime") or pod["metadata"].get("creationTimestamp", "")
    return _time(changed, now) or now


def _time(text: str, now: datetime) -> datetime | None:
    """A time as it is stored; None if it is none. The clock of a learner's machine may be fast, so no time is after now."""
    try:
        found = datetime.fromisoformat(text)
        return min((found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC), now)
    except (ValueError, OverflowError):
        return None


def _text(time: datetime | None) -> str:
    return kubernetes_time(time) if time else ""


def _plain(text: str) -> str:
    """A learner's text in one short line, without control characters and marks that change the direction of the text."""
    kept = (" " if character.isspace() else character for character in text[: 4 * LONGEST])
    line = " ".join("".join(each for each in kept if unicodedata.category(each)[0] != "C").split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
