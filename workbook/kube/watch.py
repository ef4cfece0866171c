"""Follow objects as they change: the current state first, then every change, without polling and without gaps.

This is the API's list-then-watch, resumed from the last version seen when the connection drops, and begun anew
when that version is too old (410 Gone):
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError, ReadTimeoutError

from workbook.base.errors import WorkbookError
from workbook.kube.client import Connection, decode, list_raw
from workbook.kube.objects import Object


def follow(
    resource: str,
    namespace: str | None = None,
    *,
    selector: str = "",
    field_selector: str = "",
    timeout: float,
    via: Connection | None = None,
    until: threading.Event | None = None,
) -> Iterator[dict[str, Object]]:
    """Yields all matching objects by UID: at once as they are now, then again after each change.

    Ends when `timeout` (seconds) is over, or soon after `until` is set. An API server that cannot be reached for a while is asked again until
    then; the state yielded after that is read afresh, so nothing is missed and nothing is invented.

    Raises:
        ApiException: the API server refuses (403, 404, …): asking again would not help.
    """
    deadline = time.monotonic() + timeout
    common = {"label_selector": selector, "field_selector": field_selector, "via": via}
    common = {key: value for key, value in common.items() if value}
    version = None
    objects: dict[str, Object] = {}
    while (left := deadline - time.monotonic()) > 0 and not (until and until.is_set()):
        try:
            if version is None:
                listed = decode(list_raw(resource, namespace, timeout=min(30, left + 1), **common).data)
                version = listed["metadata"]["resourceVersion"]
                objects = {item["metadata"]["uid"]: item for item in listed["items"]}
                yield dict(objects)
                continue
            answer = list_raw(
                resource,
                namespace,
                watch=True,
                resource_version=version,
                allow_watch_bookmarks=True,
                timeout_seconds=max(1, int(left) + 1),
                # A watch that nobody writes to must be left now and then to see `until`; the next one misses nothing.
                timeout=(5, 0.5 if until else max(0.1, left)),
                **common,
            )
            for change in _changes(answer):
                if change["type"] == "ERROR":
                    version = None  # 410 Gone: what happened since is only to be had by listing again
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
            # One that has just started refuses everybody for a moment, until it has read the roles.
            elif error.status not in (429, 500, 502, 503, 504) and not (error.status == 403 and objects):
                raise
            else:
                time.sleep(0.3)  # an API server that is starting or stopping
        except (HTTPError, WorkbookError, OSError):
            time.sleep(0.3)  # the connection is down; nothing can tell us when it is back
            version = None


def _changes(answer: Any) -> Iterator[dict[str, Any]]:
    """The JSON lines of a watch as they arrive; closes the connection when the reader stops."""
    try:
        buffer = b""
        for chunk in answer.stream(amt=None, decode_content=True):
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            yield from (json.loads(line) for line in lines if line.strip())
    finally:
        answer.close()
