"""What happened while you looked elsewhere: Pods' transitions, recorded in the background."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pandas as pd

from workbook import client, cluster
from workbook.errors import WorkbookError
from workbook.waiting import ready, waiting_reasons
from workbook.watching import Object, follow

# The states that come in the same order in every run; what lies between them depends on who was faster.
TELLING = ("Running", "Ready", "CrashLoopBackOff", "Error", "Completed", "Terminating", "Deleted")
ENDED = "Deleted"


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


def restarts(pod: Object) -> int:
    """How often the Pod's containers were started again."""
    return sum(container["restartCount"] for container in pod["status"].get("containerStatuses", []))


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
def recorder(selector: str) -> Iterator[Recorder]:
    """Records the transitions of all Pods that `selector` matches, for the length of the block.

    The state at the beginning is the first row of each Pod. A dropped connection or an API server that restarts is
    survived: what changed meanwhile appears as one transition, and nothing is invented between.

    Args:
        selector: a label selector such as `"app=webapp"`.

    Yields:
        A `Recorder`; it can be looked at while it runs.

    Documentation: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
    """
    recorded, ended, listening = Recorder(), threading.Event(), threading.Event()
    ours = cluster.current()
    # A connection of its own: it is used in another thread.
    via = client.connect(ours.kubeconfig, ours.context)

    def record() -> None:
        seen: dict[str, tuple[str, str, int]] = {}
        try:
            for pods in follow("pods", selector=selector, timeout=3600, via=via, until=ended):
                _note(recorded, seen, pods)
                listening.set()
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
