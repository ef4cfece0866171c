"""Choose and compare events, and shorten the messages of Kubernetes."""

import re
from datetime import datetime

from workbook.kube.objects import Object


def events_of(item: Object, events: list[Object]) -> list[Object]:
    """The events about an object."""
    return [event for event in events if event["involvedObject"].get("uid", "") == item["metadata"].get("uid")]


def events_about(container: Object, events: list[Object]) -> list[Object]:
    """The events of a Pod that are about one of its containers, or that name no container."""
    paths = [event["involvedObject"].get("fieldPath", "") for event in events]
    own = f"{{{container['name']}}}"  # of spec.containers{NAME}
    return [event for event, path in zip(events, paths, strict=True) if not path or path.endswith(own)]


def is_older(event: Object, timestamp: str | None) -> bool:
    """Whether an event last occurred before this time; False if one of the times is not known."""
    time = (event.get("series") or {}).get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    if not (time and timestamp):
        return False
    return datetime.fromisoformat(time) < datetime.fromisoformat(timestamp)


def newest_event(events: list[Object], reason: str, words: str) -> Object:
    """The newest event that has this reason and whose message matches `words`; empty if there is none."""
    found = [event for event in events if event.get("reason") == reason and re.search(words, event.get("message", ""))]
    return max(found, key=version, default={})


def newest_message(events: list[Object], reason: str, words: str) -> str:
    """The message of the event that `newest_event` finds; "" if there is none."""
    return str(newest_event(events, reason, words).get("message", ""))


def version(event: Object) -> int:
    """The number of an event's last change: newer events have higher ones."""
    return int(event["metadata"]["resourceVersion"])


def cause(message: str) -> str:
    """The cause in a message: the end of a chain of errors, or the whole message."""
    return message.strip().rstrip(".").rpartition(": exec: ")[2]
