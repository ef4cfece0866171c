"""Record the transitions of Pods in the background, while other cells or commands change the cluster."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from workbook.base.errors import WorkbookError
from workbook.cluster.current import api
from workbook.kube.objects import Object, ready, restarts, waiting_reasons
from workbook.lessons.follower import Follower
from workbook.lessons.tables import headed

ENDED = "Deleted"
LEAVING = {"Terminating", ENDED}
STABLE = {"Running", "Ready", *LEAVING}
"""States that appear in the same order in every run. Other states can be too short to be seen."""


class Transition(NamedTuple):
    """A Pod's change of state or of its number of restarts; `seconds` since the recording began."""

    seconds: float
    name: str
    before: str
    after: str
    restarts: int


def state(pod: Object) -> str:
    """Return a Pod's state: STATUS as in kubectl, but `Ready` for a Pod that runs and is ready."""
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    if reasons := waiting_reasons(pod):
        return str(reasons[0]["reason"])
    status = pod["status"]
    containers = status.get("containerStatuses", [])
    ended = [each["state"]["terminated"].get("reason", "Error") for each in containers if "terminated" in each["state"]]
    runs = any("running" in each["state"] and each.get("ready") for each in containers)
    # As in kubectl, the first container that has ended decides, unless it has completed and another one still runs.
    if ended and not (ended[0] == "Completed" and runs):
        return str(ended[0])
    if ready(pod):
        return "Ready"
    return "NotReady" if ended else str(status.get("reason") or status.get("phase", "Pending"))


@dataclass
class Recorder:
    """A recording of Pods, which may still be running.

    Attributes:
        rows: the transitions, in order.
        desired: (seconds, number of Pods that all ReplicaSets together ask for) after each change of that number.
        begun: start of the recording, in seconds since 1970.
        length: duration in seconds; 0 until the recording has ended.
        error: why the recording broke off; empty if it did not.
    """

    rows: list[Transition] = field(default_factory=list)
    desired: list[tuple[float, int]] = field(default_factory=list)
    begun: float = field(default_factory=time.time)
    length: float = 0.0
    error: str = ""
    _states: dict[str, tuple[str, str, int]] = field(default_factory=dict, repr=False)  # by UID: name, state, restarts

    def note_pods(self, pods: dict[str, Object]) -> list[Transition]:
        """Record the changes since the last call, and return them.

        Args:
            pods: all Pods, by UID.
        """
        now, new = time.time() - self.begun, []
        for uid, (name, before, count) in list(self._states.items()):
            if uid not in pods:
                new.append(Transition(now, name, before, ENDED, count))
                del self._states[uid]
        for uid, pod in pods.items():
            name, before, count = self._states.get(uid, (pod["metadata"]["name"], "", 0))
            after, times = state(pod), restarts(pod)
            if (after, times) != (before, count):
                new.append(Transition(now, name, before, after, times))
                self._states[uid] = name, after, times
        self.rows += new
        return new

    def note_replicasets(self, replicasets: dict[str, Object]) -> None:
        """Record the number of Pods that these ReplicaSets (by UID) together ask for, if it has changed."""
        total = sum(item["spec"]["replicas"] for item in replicasets.values())
        if not self.desired or self.desired[-1][1] != total:
            self.desired.append((time.time() - self.begun, total))

    def transitions(self, *, wide: bool = False) -> pd.DataFrame:
        """Return the transitions of all Pods, in order.

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
        states: dict[str, str] = {}
        rows = []
        for row in self.rows:
            number = numbers.setdefault(row.name, len(numbers) + 1)
            if wide or row.after in STABLE:
                before = states.get(row.name, "")
                rows.append([number, before, row.after, row.restarts, round(row.seconds, 1), row.name])
                states[row.name] = row.after
        frame = headed(pd.DataFrame(rows, columns=["POD", "FROM", "TO", "RESTARTS", "SECONDS", "NAME"]))
        return frame if wide else frame.drop(columns=["SECONDS", "NAME"])

    def counts(self) -> pd.DataFrame:
        """Return the number of Pods after each change.

        Returns:
            One row per change of a number; the columns are SECONDS (since the recording began), DESIRED (how many Pods
            the ReplicaSets together asked for), PODS (those that were not being deleted), and READY (how many of
            these were ready). A rolling update limits DESIRED and READY. PODS may be higher for a moment, when a new
            Pod is created before the one it replaces is marked for deletion.

        Raises:
            WorkbookError: the recording broke off.

        Documentation: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
        """
        self.transitions()  # raises the error
        totals = dict(self.desired)
        total = next(iter(totals.values()), 0)
        states: dict[str, str] = {}
        rows: list[list[float]] = []
        for seconds in sorted({row.seconds for row in self.rows} | totals.keys()):
            states |= {row.name: row.after for row in self.rows if row.seconds == seconds}
            total = totals.get(seconds, total)
            present = [state for state in states.values() if state not in LEAVING]
            numbers = [total, len(present), present.count("Ready")]
            if not rows or rows[-1][1:] != numbers:
                rows.append([round(seconds, 1), *numbers])
        return pd.DataFrame(rows, columns=["SECONDS", "DESIRED", "PODS", "READY"])

    def when(self, pod: int, to: str, nth: int = 1) -> float:
        """Return when a Pod entered a state, in seconds since the recording began.

        Args:
            pod: its number, as in `transitions`.
            to: the state.
            nth: 2 for the second time that it entered this state, and so on.

        Raises:
            WorkbookError: it never did, or the recording broke off.
        """
        table = self.transitions(wide=True)
        found: list[float] = table[(table.index == pod) & (table["TO"] == to)]["SECONDS"].tolist()
        if len(found) < nth:
            raise WorkbookError(
                f"The recording does not show Pod {pod} in the state {to!r} {nth} time(s).",
                fix="Look at `transitions(wide=True)`.",
            )
        return found[nth - 1]


@contextmanager
def recorder(selector: str, *, verbose: bool = False) -> Iterator[Recorder]:
    """Record the transitions of all Pods that `selector` matches, for the duration of the block.

    A Pod's first row is its state at the beginning. The recording survives dropped connections and a restart of the API
    server: changes in the meantime appear as one transition.

    Args:
        selector: a label selector such as `"app=webapp"`.
        verbose: also print each transition as it happens.

    Yields:
        A `Recorder`, which can be read during the block.

    Raises:
        WorkbookError: the workbook is not connected to a cluster.

    Documentation: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
    """
    recorded = Recorder()

    def note_pods(pods: dict[str, Object]) -> None:
        for seconds, name, before, after, _ in recorded.note_pods(pods):
            if verbose:
                print(f"{seconds:5.0f} s  {name}: {before + ' → ' if before else ''}{after}", flush=True)

    def fail(error: str) -> None:
        recorded.error = error

    notes = {"pods": note_pods, "replicasets": recorded.note_replicasets}
    follower = Follower(api(), notes, fail, timeout=3600, selector=selector)
    follower.start()
    try:
        yield recorded
    finally:
        follower.stop()
        recorded.length = time.time() - recorded.begun
