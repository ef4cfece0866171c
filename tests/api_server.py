"""An API server for tests: it answers requests for lists and watches with prepared responses."""

import json
import time
from threading import Event

from workbook.kube.client import Api


class Answer:
    """An HTTP answer: a list, or the lines of a watch, in pieces as a network delivers them.

    Args:
        data: the body.
        then: an error that interrupts the connection after the body.
        delay: seconds before the first piece.
        until: an event that the first piece comes after.
    """

    def __init__(
        self, data: bytes, then: Exception | None = None, delay: float = 0, until: Event | None = None
    ) -> None:
        self.data, self.then, self.delay, self.until, self.closed = data, then, delay, until, False

    def stream(self, amt=None, decode_content=True):
        time.sleep(self.delay)
        if self.until:
            self.until.wait()
        for at in range(0, len(self.data), 7):
            yield self.data[at : at + 7]
        if self.then:
            raise self.then

    def close(self):
        self.closed = True


class List(Answer):
    """The answer to a request for a list."""


class Server(Api):
    """A connection whose requests get prepared responses in their order; a watch is silent if the next one is a list."""

    def __init__(self) -> None:
        self.cluster, self.namespace = "test", "workbook"
        self._prepared: dict[str, tuple[list[Answer | Exception], list[dict]]] = {}

    def serve(self, *responses: Answer | Exception, resource: str = "pods") -> list[dict]:
        """Prepare the responses to the next requests for a resource; returns the options of these, as they come in."""
        requests: list[dict] = []
        self._prepared[resource] = list(responses), requests
        return requests

    def open_list(self, resource, namespace=None, **options):
        responses, requests = self._prepared[resource]
        requests.append(options)
        if options.get("watch") and (not responses or isinstance(responses[0], List)):
            return watched(delay=0.01)
        response = responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return response


def pod(name: str, version: int, phase: str = "Pending", **status) -> dict:
    """A Pod; its UID is its name."""
    metadata = {"name": name, "uid": name, "resourceVersion": str(version)}
    return {"metadata": metadata, "status": {"phase": phase, **status}}


def listed(version: int, *items: dict) -> List:
    """The answer to a request for a list."""
    return List(json.dumps({"metadata": {"resourceVersion": str(version)}, "items": items}).encode())


def watched(*changes: tuple[str, dict], **options) -> Answer:
    """The answer to a request for a watch: pairs of the change's type and the object, and options of `Answer`."""
    lines = [json.dumps({"type": kind, "object": item}) for kind, item in changes]
    return Answer("".join(f"{line}\n" for line in lines).encode(), **options)
