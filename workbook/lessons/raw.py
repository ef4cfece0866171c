"""HTTP requests to the API server without kubectl: what kubectl itself sends."""

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import responses
from typing import Any

import pandas as pd
from kubernetes.client.exceptions import ApiException
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from workbook.base.errors import WorkbookError
from workbook.cluster.current import api
from workbook.kube.client import Seconds, message
from workbook.kube.objects import Object
from workbook.kube.watch import changes
from workbook.lessons.kubectl import print_command
from workbook.lessons.tables import headed
from workbook.lessons.wait import WaitTimeout, patience

SHOWN = 200
"""Number of characters at the beginning of an answer that are shown."""


@dataclass(frozen=True)
class Answer:
    """The API server's answer to a GET request: its `status` (a number), its media `type`, and its `text`."""

    path: str
    status: int
    type: str
    text: str

    def json(self) -> Object:
        """Return the answer as Python objects; it must be JSON."""
        decoded: Object = json.loads(self.text)
        return decoded

    def __repr__(self) -> str:
        rest = f"… ({len(self.text):,} characters)" if len(self.text) > SHOWN else ""
        return f"HTTP {self.status} {responses.get(self.status, '')}\nContent-Type: {self.type}\n\n{self.text[:SHOWN]}{rest}"


@dataclass
class Watched:
    """The changes that a watch has reported.

    Attributes:
        rows: (type of change, kind, name, resourceVersion) of each change, in the order of their arrival.
        delay: seconds from the end of the block until the last change had arrived.
    """

    rows: list[tuple[str, str, str, int]] = field(default_factory=list)
    delay: float = 0.0

    def table(self, *, wide: bool = False) -> pd.DataFrame:
        """Return one row per change; the index is TYPE, the columns are KIND and NAME.

        Args:
            wide: also VERSION, the object's resourceVersion as a number.
        """
        frame = headed(pd.DataFrame(self.rows, columns=["TYPE", "KIND", "NAME", "VERSION"]))
        return frame if wide else frame.drop(columns="VERSION")


def raw(path: str) -> Answer:
    """Send a GET request to the API server, and return its answer (`kubectl get --raw`).

    Args:
        path: the path and the query, such as `"/api/v1/namespaces?limit=5"`.

    Raises:
        WorkbookError: the path does not begin with a slash, or the API server refuses or does not answer.

    Documentation: https://kubernetes.io/docs/reference/using-api/api-concepts/
    """
    print_command("get", "--raw", path)
    response = _get(path)
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    return Answer(path, response.status, media_type, response.data.decode(errors="replace"))


@contextmanager
def raw_watch(path: str, *, events: int, timeout: float = 30) -> Iterator[Watched]:
    """Watch a list of the API: open the request before the block, and at its end wait until `events` changes have arrived.

    The request stays open, and the API server sends a line for each change. The block makes the changes.

    Args:
        path: the list's path, such as `"/api/v1/namespaces/default/configmaps"`, with or without a query.
        events: the number of changes.
        timeout: seconds, from the end of the block.

    Yields:
        A `Watched`, which has its rows after the block.

    Raises:
        WaitTimeout: fewer changes arrive in time.
        WorkbookError: as in `raw`, or the API server ends the watch with an error.

    Documentation: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
    """
    timeout *= patience()
    watch = f"{path}{'&' if '?' in path else '?'}watch=1"
    print_command("get", "--raw", watch)
    version = json.loads(_get(path).data)["metadata"]["resourceVersion"]
    watched, problem = Watched(), ""
    with closing(_get(f"{watch}&resourceVersion={version}", timeout=(5, timeout), stream=True)) as response:
        yield watched
        ended = time.monotonic()
        try:
            for change in changes(response):  # those from the time of the block have arrived, and wait to be read
                watched.rows.append(_row(change))
                if len(watched.rows) == events or time.monotonic() - ended > timeout:
                    break
        except (HTTPError, OSError) as error:
            problem = str(error)
        watched.delay = time.monotonic() - ended
    if len(watched.rows) < events:
        raise WaitTimeout(
            f"The watch ended after {watched.delay:.0f} s, before {events} change(s) had arrived at {path}.",
            f"{len(watched.rows)} arrived: {', '.join(row[0] for row in watched.rows) or 'none'}. {problem}".rstrip(),
            "Check whether the path leads to the object that the block changes, then run this cell again.",
        )


def _row(change: dict[str, Any]) -> tuple[str, str, str, int]:
    """A line of a watch as a row."""
    item: Object = change["object"]
    if change["type"] == "ERROR":
        raise WorkbookError("The API server has ended the watch.", item.get("message", ""), "Run this cell again.")
    return change["type"], item["kind"], item["metadata"]["name"], int(item["metadata"]["resourceVersion"])


def _get(path: str, timeout: Seconds = 30, *, stream: bool = False) -> BaseHTTPResponse:
    """Send a GET request. The other arguments are those of `Api.request`. Raises what `raw` raises."""
    if not path.startswith("/"):
        raise WorkbookError(
            f"{path!r} is not a path of the API.",
            "A path comes after the address of the server, and begins with a slash.",
            "Begin it with /api/v1/ for Pods, Services and other core types, or with /apis/ and a group.",
        )
    try:
        return api().request("GET", path, timeout=timeout, stream=stream)
    except ApiException as error:
        what = f"The API server refuses {path} with status {error.status}."
        raise WorkbookError(what, message(error), "Correct the path, or ask for access.") from error
