"""Send requests to a Service at a fixed rate, from a Pod inside the cluster, and count the failures."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from workbook.base.errors import WorkbookError
from workbook.lessons.kubectl import delete, kubectl, kubectl_output
from workbook.lessons.wait import pods_ready

NAME = "prober"
IMAGE = "web-app:1.0"
"""An image with Python, which the node has from notebook 03 on."""
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
    except (OSError, http.client.HTTPException):  # no answer, or an incomplete one
        status = 0
    os.write(1, f"{begun:.3f} {status}\n".encode())  # one write, so that threads do not mix their lines
at = time.time()
while True:
    threading.Thread(target=ask, args=(at,), daemon=True).start()
    at += period
    time.sleep(max(0, at - time.time()))
"""
"""Program for a Pod: send a request each period, each in its own thread, so that a slow one does not delay the others.

It prints a line for each finished request: its start time, and its HTTP status or 0 for no answer. Arguments are the URL,
and the period and the timeout in seconds.
"""


@dataclass
class Prober:
    """Requests to a Service, at a fixed rate.

    Attributes:
        period: seconds from one request to the next.
        rows: (seconds since the first request, HTTP status or 0 for no answer), in the order in which they began.
        begun: start of the first request, in seconds since 1970 by the cluster's clock.
    """

    period: float
    rows: list[tuple[float, int]] = field(default_factory=list)
    begun: float = 0.0

    @property
    def failures(self) -> int:
        """Number of requests with no answer, or with a status other than 200."""
        return sum(status != 200 for _, status in self.rows)

    @property
    def downtime(self) -> float:
        """Length in seconds of the longest series of failures, from the first failure to the next success."""
        longest, since = 0.0, None
        for seconds, status in [*self.rows, (self.rows[-1][0] + self.period, 200)] if self.rows else []:
            if status != 200 and since is None:
                since = seconds
            if status == 200 and since is not None:
                longest, since = max(longest, seconds - since), None
        return longest


@contextmanager
def prober(service: str, *, rate: float = 5, timeout: float = 1, node: str = "") -> Iterator[Prober]:
    """Send requests to a Service from inside the cluster, for the duration of the block.

    Args:
        service: the Service's name or IP address, with `:PORT` unless that is 80.
        rate: requests per second.
        timeout: seconds after which a request counts as not answered.
        node: the name of the node from which to send them; any when empty.

    Yields:
        A `Prober`, which has its rows after the block. The Pod that sends the requests is deleted at the end of the
        block; if the kernel ends earlier, `begin(…)` deletes it.

    Raises:
        WaitTimeout: the Pod did not start.
        WorkbookError: the Pod printed no results.

    Documentation: https://kubernetes.io/docs/concepts/services-networking/service/
    """
    probed = Prober(1 / rate)
    delete("pod", NAME)
    program = ["python", "-c", PROGRAM, f"http://{service}", str(probed.period), str(timeout)]
    options = [f"--image={IMAGE}", "--image-pull-policy=Never", "--restart=Never", f"--labels=run={NAME}"]
    spec = {"terminationGracePeriodSeconds": 1} | ({"nodeName": node} if node else {})
    options += [f"--overrides={json.dumps({'spec': spec})}", "--override-type=strategic"]
    kubectl("run", NAME, *options, "--command", "--", *program)
    try:
        pods_ready(f"run={NAME}", 1)
        yield probed
        time.sleep(timeout)  # the last requests finish in this time
        probed.begun, probed.rows = parse(kubectl_output("logs", NAME, "--tail=-1"))
    finally:
        delete("pod", NAME)


def parse(log: str) -> tuple[float, list[tuple[float, int]]]:
    """Return the start of the first request and the rows from a Pod's log.

    Raises:
        WorkbookError: the log is empty, or has something else.
    """
    try:
        rows = sorted((float(begun), int(status)) for begun, status in map(str.split, log.splitlines()))
    except ValueError:
        rows = []
    if not rows:
        raise WorkbookError(
            "The prober has no results.", log.strip()[-500:] or "Its log is empty.", "Run this cell again."
        )
    first = rows[0][0]
    return first, [(round(begun - first, 3), status) for begun, status in rows]
