"""What happened while you looked elsewhere: Pods' transitions, recorded in the background."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter

import pandas as pd

from workbook.base.errors import WorkbookError
from workbook.cluster.current import api
from workbook.kube.objects import Object, ready, restarts, waiting_reasons
from workbook.kube.watch import follow

# The states that come in the same order in every run; what lies between them depends on who was faster.
TELLING = ("Running", "Ready", "Terminating", "Deleted")
ENDED = "Deleted"
LEAVING = {"Terminating", ENDED}


def state(pod: Object) -> str:
    """A word for where a Pod is in its life: kubectl's STATUS, but `Ready` for one that runs and is ready."""
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    if reasons := waiting_reasons(pod):
        return reasons[0]["reason"]
    for container in pod["status"].get("containerStatuses", []):
        if ended := container["state"].get("terminated"):
            return ended.get("reason", "Error")
    return "Ready" if ready(pod) else pod["status"].get("phase", "Pending")


@dataclass
class Recorder:
    """A running or ended recording.

    `rows` holds (seconds since the beginning, Pod's name, from, to, restarts); `desired` holds (seconds, number of Pods
    that all ReplicaSets together ask for).
    """

    rows: list[tuple[float, str, str, str, int]] = field(default_factory=list)
    desired: list[tuple[float, int]] = field(default_factory=list)
    begun: float = field(default_factory=time.time)
    length: float = 0.0
    error: str = ""

    def transitions(self, *, wide: bool = False) -> pd.DataFrame:
        """What happened to which Pod, in order.

        Args:
            wide: also the seconds since the recording began, the Pods' names, and the states that last only a moment.

        Returns:
            One row per transition; the index is POD (a number, in the order in which they appeared), the columns are
            FROM, TO and RESTARTS; `wide` adds SECONDS and NAME.

        Raises:
            WorkbookError: the recording broke off.
        """
        if self.error:
            raise WorkbookError("The recording broke off.", self.error, "Run the cells again, from `begin(…)` on.")
        numbers: dict[str, int] = {}
        for row in self.rows:
            numbers.setdefault(row[1], len(numbers) + 1)
        rows, last = [], {}
        for seconds, name, _, after, count in self.rows:
            if wide or after in TELLING:
                rows.append([numbers[name], last.get(name, ""), after, count, round(seconds, 1), name])
                last[name] = after
        frame = pd.DataFrame(rows, columns=["POD", "FROM", "TO", "RESTARTS", "SECONDS", "NAME"])
        frame = frame.set_index("POD").rename_axis(index=None, columns="POD")
        return frame if wide else frame.drop(columns=["SECONDS", "NAME"])

    def counts(self) -> pd.DataFrame:
        """How many Pods there were, change by change.

        Returns:
            One row per change of a number; the columns are SECONDS (since the recording began), DESIRED (how many Pods
            the ReplicaSets asked for together), PODS (those that were not being deleted), and READY (how many of
            these were). A rolling update bounds DESIRED and READY. PODS may be higher for a moment, when a new Pod
            is created before the one it replaces is marked for deletion.

        Documentation: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
        """
        self.transitions()  # refuses a recording that broke off
        states: dict[str, str] = {}
        rows: list[list[float]] = []
        desired = self.desired[0][1] if self.desired else 0
        changes = sorted([*self.rows, *self.desired], key=itemgetter(0))
        for seconds, together in groupby(changes, key=itemgetter(0)):
            for change in together:
                if len(change) == 2:
                    desired = change[1]
                else:
                    states[change[1]] = change[3]
            there = [state for state in states.values() if state not in LEAVING]
            numbers = [desired, len(there), there.count("Ready")]
            if not rows or rows[-1][1:] != numbers:
                rows.append([round(seconds, 1), *numbers])
        return pd.DataFrame(rows, columns=["SECONDS", "DESIRED", "PODS", "READY"])

    def when(self, pod: int, to: str, nth: int = 1) -> float:
        """When Pod number `pod` came into the state `to` for the `nth` time: seconds since the recording began.

        Raises:
            WorkbookError: it never did.
        """
        table = self.transitions(wide=True)
        found = table[(table.index == pod) & (table["TO"] == to)]["SECONDS"].tolist()
        if len(found) < nth:
            raise WorkbookError(
                f"Pod {pod} was not {to!r} {nth} time(s) while it was recorded.",
                fix="Look at `transitions(wide=True)`.",
            )
        return found[nth - 1]


@contextmanager
def recorder(selector: str, *, tell: bool = False) -> Iterator[Recorder]:
    """Records the transitions of all Pods that `selector` matches, for the length of the block.

    The state at the beginning is the first row of each Pod. A dropped connection or an API server that restarts is
    survived: what changed meanwhile appears as one transition, and nothing is invented between.

    Args:
        selector: a label selector such as `"app=webapp"`.
        tell: also print each transition as it happens.

    Yields:
        A `Recorder`; it can be looked at while it runs.

    Documentation: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
    """
    recorded, ended = Recorder(), threading.Event()
    seen: dict[str, tuple[str, str, int]] = {}

    def note_pods(pods: dict[str, Object]) -> None:
        known = len(recorded.rows)
        _note(recorded, seen, pods)
        for seconds, name, before, after, _ in recorded.rows[known:] if tell else ():
            print(f"{seconds:5.0f} s  {name}: {before + ' → ' if before else ''}{after}", flush=True)

    def note_sets(sets: dict[str, Object]) -> None:
        total = sum(item["spec"]["replicas"] for item in sets.values())
        if [total] != [number for _, number in recorded.desired[-1:]]:
            recorded.desired.append((time.time() - recorded.begun, total))

    notes = {"pods": note_pods, "replicasets": note_sets}
    connection = api()
    listening = {resource: threading.Event() for resource in notes}

    def record(resource: str) -> None:
        try:
            for found in follow(connection, resource, selector=selector, timeout=3600, until=ended):
                notes[resource](found)
                listening[resource].set()
        except Exception as error:
            recorded.error = str(error)
            listening[resource].set()

    threads = [threading.Thread(target=record, args=(resource,), daemon=True) for resource in notes]
    for thread, heard in zip(threads, listening.values(), strict=True):
        thread.start()
        heard.wait(30)
    try:
        yield recorded
    finally:
        ended.set()
        for thread in threads:
            thread.join(5)
        if not recorded.error:  # what has happened to the end of the block, but was not told yet
            for resource in notes:
                for found in islice(follow(connection, resource, selector=selector, timeout=30), 1):
                    notes[resource](found)
        recorded.length = time.time() - recorded.begun


def _note(recorded: Recorder, seen: dict[str, tuple[str, str, int]], pods: dict[str, Object]) -> None:
    """Appends what differs between `seen` (UID → name, state, restarts) and `pods`, and brings `seen` up to date."""
    now = time.time() - recorded.begun
    for uid, (name, before, count) in list(seen.items()):
        if uid not in pods:
            recorded.rows.append((now, name, before, ENDED, count))
            del seen[uid]
    for uid, pod in pods.items():
        name, before, count = seen.get(uid, (pod["metadata"]["name"], "", 0))
        after, again = state(pod), restarts(pod)
        if (after, again) != (before, count):
            recorded.rows.append((now, name, before, after, again))
            seen[uid] = (name, after, again)
