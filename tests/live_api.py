"""An API server in this process whose objects change while clients watch them, and whose connection can be lost."""

import json
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

from urllib3.exceptions import ProtocolError

from tests.api_server import Answer, List, listed
from workbook.base.errors import WorkbookError
from workbook.kube.client import Api
from workbook.lessons.progress import CONFIG_MAP


class LiveApi(Api):
    """A connection to a class. With `whole=False`, its token is that of the learner of `namespace`.

    `asked` has the resource and the namespace of each request, and `down` is whether the connection is lost.
    """

    def __init__(self, *learners: str, whole: bool = True, namespace: str = "default") -> None:
        self.cluster, self.namespace, self.whole = "test", namespace, whole
        self.down, self.asked = False, []
        self._changed, self._events = threading.Condition(), []
        self._objects = {resource: {} for resource in ("namespaces", "configmaps", "pods")}
        for learner in learners:
            self.change("namespaces", {"metadata": {"name": learner, "namespace": ""}})

    def change(self, resource: str, item: dict) -> None:
        """Create or replace an object."""
        metadata = item["metadata"]
        with self._changed:
            metadata["uid"] = f"{metadata['namespace']}/{metadata['name']}"
            metadata["resourceVersion"] = str(len(self._events) + 1)
            self._objects[resource][metadata["uid"]] = item
            self._events.append((resource, item))
            self._changed.notify_all()

    def report(self, learner: str, **data: str) -> None:
        """Replace the data of a learner's ConfigMap. In the keys, `_` stands for a dash."""
        data = {key.replace("_", "-").removeprefix("n"): value for key, value in data.items()}
        self.change("configmaps", {"metadata": {"name": CONFIG_MAP, "namespace": learner}, "data": data})

    def lose(self, down: bool = True) -> None:
        """Lose the connection, or get it back."""
        with self._changed:
            self.down = down
            self._changed.notify_all()

    def request(self, method, path, **options):
        assert path.endswith("/selfsubjectaccessreviews"), path
        return SimpleNamespace(data=json.dumps({"status": {"allowed": self.whole}}))

    def open_list(self, resource, namespace=None, *, watch=False, resource_version="0", timeout_seconds=5, **options):
        if self.down:
            raise WorkbookError("The API server does not answer.")
        self.asked.append((resource, self.namespace if namespace is None else namespace))
        if watch:
            return _Watch(self, resource, int(resource_version), time.monotonic() + timeout_seconds)
        with self._changed:
            return List(listed(len(self._events), *self._objects[resource].values()).data)


class _Watch(Answer):
    """The answer to a request for a watch, with the changes after a version until a time."""

    def __init__(self, api: LiveApi, resource: str, version: int, end: float) -> None:
        super().__init__(b"")
        self._api, self._resource, self._version, self._end = api, resource, version, end

    def stream(self, amt=None, decode_content=True) -> Iterator[bytes]:
        api = self._api
        while (left := self._end - time.monotonic()) > 0:
            with api._changed:
                api._changed.wait_for(lambda: api.down or len(api._events) > self._version, left)
                new, self._version = api._events[self._version :], len(api._events)
            if api.down:
                raise ProtocolError("the connection is broken")
            for resource, item in new:
                if resource == self._resource:
                    yield f"{json.dumps({'type': 'MODIFIED', 'object': item})}\n".encode()
