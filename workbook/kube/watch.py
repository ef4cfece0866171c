"""Follow objects as they change: the current state first, then each change, without polling and without gaps.

This is the API's list-then-watch. It resumes from the last version seen when the connection drops, and lists again when
that version is too old (410 Gone):
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, ReadTimeoutError

from workbook.base.errors import WorkbookError
from workbook.kube.client import Api, decode
from workbook.kube.objects import Object

PAUSE = 0.3
"""Seconds between two attempts while the API server cannot be reached: nothing can report that it is back."""


def follow(
    api: Api,
    resource: str,
    namespace: str | None = None,
    *,
    selector: str = "",
    field_selector: str = "",
    timeout: float,
    until: threading.Event | None = None,
) -> Iterator[dict[str, Object]]:
    """Yield all matching objects by UID: at once as they are now, then again after each change.

    While the API server cannot be reached, it is asked again; the next state is then read afresh, so that no change is
    missed.

    Args:
        api: the connection.
        resource, namespace: as in `Api.path`.
        selector, field_selector: which objects.
        timeout: seconds after which it ends.
        until: ends it soon after it is set.

    Raises:
        ApiException: the API server refuses (403, 404, …), so that asking again would not help.
    """
    deadline = time.monotonic() + timeout
    matching = {"label_selector": selector, "field_selector": field_selector}
    version = None
    objects: dict[str, Object] = {}
    while (left := deadline - time.monotonic()) > 0 and not (until and until.is_set()):
        try:
            if version is None:
                listed = decode(api.open_list(resource, namespace, timeout=min(30, left + 1), **matching).data)
                version = listed["metadata"]["resourceVersion"]
                objects = {item["metadata"]["uid"]: item for item in listed["items"]}
                yield dict(objects)
                continue
            response = api.open_list(
                resource,
                namespace,
                watch=True,
                resource_version=version,
                allow_watch_bookmarks=True,
                timeout_seconds=max(1, int(left) + 1),
                # A silent watch must be left now and then to look at `until`; the next one misses nothing.
                timeout=(5, 0.5 if until else max(0.1, left)),
                **matching,
            )
            for change in _changes(response):
                if change["type"] == "ERROR":
                    version = None  # 410 Gone: only a list can show what has happened since
                    break
                item = change["object"]
                version = item["metadata"]["resourceVersion"]
                if change["type"] == "BOOKMARK":
                    continue
                if change["type"] == "DELETED":
                    objects.pop(item["metadata"]["uid"], None)
                else:
                    objects[item["metadata"]["uid"]] = item
                yield dict(objects)
                if time.monotonic() > deadline:
                    return
        except ReadTimeoutError:
            continue
        except ApiException as error:
            if error.status == 410:
                version = None
            # An API server that has just started refuses all clients until it has read the roles.
            elif error.status not in (429, 500, 502, 503, 504) and not (error.status == 403 and objects):
                raise
            else:
                time.sleep(PAUSE)
        except (HTTPError, WorkbookError, OSError):
            time.sleep(PAUSE)
            version = None


def _changes(response: BaseHTTPResponse) -> Iterator[dict[str, Any]]:
    """The JSON lines of a watch as they arrive; closes the connection when the reader stops."""
    try:
        buffer = b""
        for chunk in response.stream(amt=None, decode_content=True):
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            yield from (json.loads(line) for line in lines if line.strip())
    finally:
        response.close()
