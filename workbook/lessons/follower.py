"""Follow objects in background threads, while the reader's cells go on."""

import threading
from collections.abc import Callable, Mapping
from itertools import islice

from workbook.cluster.current import api
from workbook.kube.objects import Object
from workbook.kube.watch import follow

Note = Callable[[dict[str, Object]], None]
"""Is called with objects by UID."""


class Follower:
    """Calls a function with the objects of a resource, as they are now and after each change, until `stop`.

    Its threads end with the process. An API server that does not answer for a while is waited for.

    Args:
        notes: the function for each resource, by kubectl's plural word.
        on_error: called with the error if the API server refuses; then no more changes are noted.
        selector: a label selector for the objects.
        timeout: seconds after which it stops.
    """

    def __init__(
        self, notes: Mapping[str, Note], on_error: Callable[[str], None], *, selector: str = "", timeout: float
    ) -> None:
        self._notes, self._on_error = notes, on_error
        self._selector, self._timeout = selector, timeout
        self._api = api()
        self._ended = threading.Event()
        self._failed = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start, and wait until the objects have been noted as they are now: 30 s for each resource at most."""
        for resource in self._notes:
            noted = threading.Event()
            self._threads.append(threading.Thread(target=self._follow, args=(resource, noted), daemon=True))
            self._threads[-1].start()
            noted.wait(30)

    def stop(self) -> None:
        """Stop, and note the objects for the last time, as they are now."""
        self._ended.set()
        for thread in self._threads:
            thread.join(5)
        if not self._failed:
            for resource, note in self._notes.items():
                for objects in islice(follow(self._api, resource, selector=self._selector, timeout=30), 1):
                    note(objects)

    def _follow(self, resource: str, noted: threading.Event) -> None:
        selector, timeout = self._selector, self._timeout
        try:
            for objects in follow(self._api, resource, selector=selector, timeout=timeout, until=self._ended):
                self._notes[resource](objects)
                noted.set()
        except Exception as error:
            self._failed = True
            self._on_error(str(error))
        noted.set()
