"""What happened while you looked elsewhere: Pods' transitions, recorded in the background."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter

import pandas as pd

from workbook import client, cluster
from workbook.errors import WorkbookError
from workbook.objects import Object, ready, restarts, waiting_reasons
from workbook.watching import follow

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
    """A running or ended recording. `rows` holds (seconds since the beginning, Pod's name, from, to, restarts)."""

    rows: list[tuple[float, str, str, str, int]] = field(default_factory=list)
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
            One row per change of a number; the columns are SECONDS (since the recording began), PODS (those not on
            their way out), and READY (how many of them were).
        """
        self.transitions()  # refuses a recording that broke off
        states: dict[str, str] = {}
        rows: list[list[float]] = []
        for seconds, together in groupby(self.rows, key=itemgetter(0)):
            states.update({name: after for _, name, _, after, _ in together})
            there = [state for state in states.values() if state not in LEAVING]
            numbers = [len(there), there.count("Ready")]
            if not rows or rows[-1][1:] != numbers:
                rows.append([round(seconds, 1), *numbers])
        return pd.DataFrame(rows, columns=["SECONDS", "PODS", "READY"])

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
    recorded, ended, listening = Recorder(), threading.Event(), threading.Event()
    ours = cluster.current()
    # A connection of its own: it is used in another thread.
    via = client.connect(ours.kubeconfig, ours.context)

    seen: dict[str, tuple[str, str, int]] = {}

    def record() -> None:
        try:
            for pods in follow("pods", selector=selector, timeout=3600, via=via, until=ended):
                known = len(recorded.rows)
                _note(recorded, seen, pods)
                listening.set()
                for seconds, name, before, after, _ in recorded.rows[known:] if tell else ():
                    print(f"{seconds:5.0f} s  {name}: {before + ' → ' if before else ''}{after}", flush=True)
        except Exception as error:
            recorded.error = str(error)
            listening.set()

    thread = threading.Thread(target=record, daemon=True)
    thread.start()
    listening.wait(30)
    try:
        yield recorded
    finally:
        ended.set()
        thread.join(5)
        if not recorded.error:  # what has happened to the end of the block, but was not told yet
            for pods in islice(follow("pods", selector=selector, timeout=30, via=via), 1):
                _note(recorded, seen, pods)
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
