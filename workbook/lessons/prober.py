"""Was a Service there all the time? Requests at a fixed rate, from a Pod inside the cluster, counted."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pandas as pd

from workbook.base.errors import WorkbookError
from workbook.lessons.kubectl import delete, kubectl
from workbook.lessons.wait import pods_ready

NAME = "prober"
IMAGE = "web-app:1.0"
"""Has Python in it, and is on the node from notebook 03 on."""
# A request each period, each in a thread of its own, so that a slow one delays no other. A line for each when it has
# ended: when it began, and its status, 0 for no answer.
PROGRAM = r"""
import http.client, os, sys, threading, time, urllib.request, urllib.error
url, period, timeout = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
def ask(begun):
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            answer.read()
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    except (OSError, http.client.HTTPException):  # nobody there, or gone in the middle of the answer
        status = 0
    os.write(1, f"{begun:.3f} {status}\n".encode())  # at once, so that no two threads share a line
at = time.time()
while True:
    threading.Thread(target=ask, args=(at,), daemon=True).start()
    at += period
    time.sleep(max(0, at - time.time()))
"""


@dataclass
class Prober:
    """The requests that were made. `rows` holds (seconds since the first, HTTP status, 0 for no answer).

    `begun` is when the first was made, in seconds of the cluster's clock.
    """

    period: float
    rows: list[tuple[float, int]] = field(default_factory=list)
    begun: float = 0.0

    def answers(self) -> pd.DataFrame:
        """One row per request, in order: columns SECONDS (since the first) and STATUS (0: no answer)."""
        return pd.DataFrame(self.rows, columns=["SECONDS", "STATUS"])

    @property
    def failures(self) -> int:
        """How many requests had no answer, or another than 200."""
        return sum(status != 200 for _, status in self.rows)

    @property
    def downtime(self) -> float:
        """The longest stretch of failures in seconds: from its first failure to the next success."""
        longest, since = 0.0, None
        for seconds, status in [*self.rows, (self.rows[-1][0] + self.period, 200)] if self.rows else []:
            if status != 200 and since is None:
                since = seconds
            if status == 200 and since is not None:
                longest, since = max(longest, seconds - since), None
        return longest


@contextmanager
def prober(service: str, *, rate: float = 5, timeout: float = 1) -> Iterator[Prober]:
    """Sends requests to a Service from inside the cluster, for the length of the block.

    Args:
        service: the Service's name, with `:PORT` unless that is 80.
        rate: requests per second.
        timeout: seconds after which a request counts as not answered.

    Yields:
        A `Prober`; its rows are there when the block has ended. The Pod that asks is removed with the block; should the
        kernel end before, `begin(…)` removes it.

    Raises:
        WaitTimeout: the Pod that asks did not start.

    Documentation: https://kubernetes.io/docs/concepts/services-networking/service/
    """
    asked = Prober(1 / rate)
    delete("pod", NAME)
    words = ["python", "-c", PROGRAM, f"http://{service}", str(asked.period), str(timeout)]
    overrides = {"spec": {"terminationGracePeriodSeconds": 1}}
    kubectl(
        "run",
        NAME,
        f"--image={IMAGE}",
        "--image-pull-policy=Never",
        "--restart=Never",
        f"--labels=run={NAME}",
        f"--overrides={json.dumps(overrides)}",
        "--override-type=strategic",
        "--command",
        "--",
        *words,
    )
    try:
        pods_ready(f"run={NAME}", 1)
        yield asked
        time.sleep(timeout)  # what is still under way has its answer by then
        asked.begun, asked.rows = parse(kubectl("logs", NAME, "--tail=-1"))
    finally:
        delete("pod", NAME)


def parse(log: str) -> tuple[float, list[tuple[float, int]]]:
    """When the first request was made, and the rows in what the prober's Pod has printed, in the order of their begin.

    Raises:
        WorkbookError: it has printed something else, or nothing.
    """
    try:
        rows = sorted((float(begun), int(status)) for begun, status in map(str.split, log.splitlines()))
    except ValueError:
        rows = []
    if not rows:
        raise WorkbookError(
            "The prober has not counted.", log.strip()[-500:] or "Its log is empty.", "Run this cell again."
        )
    first = rows[0][0]
    return first, [(round(begun - first, 3), status) for begun, status in rows]
