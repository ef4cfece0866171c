"""Follow objects as they change: first the current state, then each change, without polling and without gaps.

This is the API's list-then-watch. After a dropped connection, it resumes from the last version that it has seen. If that
version is too old (410 Gone), it lists again:
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from math import ceil
from typing import Any

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, ReadTimeoutError

from workbook.base.errors import WorkbookError
from workbook.kube.client import Api, decode, expired
from workbook.kube.objects import Object

PAUSE = 0.3
"""Seconds between two attempts while the API server cannot be reached: no event can report its return."""
PERIOD = 5
"""Seconds after which the API server ends a watch that may have to stop. The next watch uses the same connection, which is cheap."""


def follow(
    api: Api,
    resource: str,
    namespace: str | None = None,
    *,
    selector: str = "",
    field_selector: str = "",
    timeout: float,
    until: threading.Event | None = None,
    reached: Callable[[bool], object] = lambda answered: None,
) -> Iterator[dict[str, Object]]:
    """Yield all matching objects by UID: immediately in their current state, then again after each change.

    While the API server cannot be reached, the request is repeated. The objects are then listed again, so that no change
    is missed.

    Args:
        api: the connection.
        resource, namespace: as in `Api.path`.
        selector, field_selector: the objects to follow.
        timeout: seconds after which the iterator ends.
        until: an event that ends the iterator within `PERIOD` seconds after it is set.
        reached: called after each request with whether the API server has answered it.

    Raises:
        WorkbookError: the login has expired.
        ApiException: the API server refuses (403, 404, …), so repeating the request would not help.
    """
    # Imported here, because the Kubernetes client loads slowly.
    from kubernetes.client.exceptions import ApiException

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
                reached(True)
                yield dict(objects)
                continue
            seconds = ceil(min(left, PERIOD) if until else left)
            response = api.open_list(
                resource,
                namespace,
                watch=True,
                resource_version=version,
                allow_watch_bookmarks=True,
                timeout_seconds=seconds,
                timeout=(5, seconds + 5 if until else max(0.1, left)),
                **matching,
            )
            reached(True)
            for change in changes(response):
                if change["type"] == "ERROR":
                    version = None  # 410 Gone: only a new list shows the changes since then
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
            if error.status == 401:
                raise expired(error) from error
            if error.status == 410:
                version = None
            # An API server that has just started refuses every client until it has read the roles.
            elif error.status not in (429, 500, 502, 503, 504) and not (error.status == 403 and objects):
                raise
            else:
                reached(False)
                time.sleep(PAUSE)
        except (HTTPError, WorkbookError, OSError) as error:
            if isinstance(error, WorkbookError):  # other errors end a watch that was open, and may be harmless
                reached(False)
            time.sleep(PAUSE)
            version = None


def changes(response: BaseHTTPResponse) -> Iterator[dict[str, Any]]:
    """Yield the JSON lines of a watch as they arrive; close the connection when the caller stops."""
    try:
        buffer = b""
        for chunk in response.stream(amt=None, decode_content=True):
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            yield from (json.loads(line) for line in lines if line.strip())
    finally:
        response.close()
