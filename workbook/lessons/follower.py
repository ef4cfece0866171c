"""Follow objects in background threads while the reader runs other cells."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from workbook.kube.client import Api
from workbook.kube.objects import Object
from workbook.kube.watch import follow


@dataclass
class Follower:
    """Call functions with all objects of a resource, by UID: with the current objects, and after each change until `stop`.

    The threads end soon after `stop`, or with the process. They survive an API server that does not answer for a while.

    Attributes:
        api: the connection.
        notes: the function for each resource (kubectl's plural word).
        on_error: called with the API server's error, after which no more changes are noted.
        timeout: seconds after which it stops.
        selector: a label selector for the objects.
    """

    api: Api
    notes: Mapping[str, Callable[[dict[str, Object]], None]]
    on_error: Callable[[str], None]
    timeout: float
    selector: str = ""
    _ended: threading.Event = field(default_factory=threading.Event, init=False)
    _noting: threading.Lock = field(default_factory=threading.Lock, init=False)
    _failed: bool = field(default=False, init=False)

    def start(self) -> None:
        """Start, and wait until the current objects have been noted, for at most 30 s per resource."""
        for resource in self.notes:
            noted = threading.Event()
            threading.Thread(target=self._follow, args=(resource, noted), daemon=True).start()
            noted.wait(30)

    def stop(self) -> None:
        """Stop, and note the current objects one last time. It does not wait for the threads, which note nothing more."""
        with self._noting:
            self._ended.set()
        if not self._failed:
            for resource, note in self.notes.items():
                for objects in islice(follow(self.api, resource, selector=self.selector, timeout=30), 1):
                    note(objects)

    def _follow(self, resource: str, noted: threading.Event) -> None:
        changes = follow(self.api, resource, selector=self.selector, timeout=self.timeout, until=self._ended)
        try:
            for objects in changes:
                with self._noting:
                    if self._ended.is_set():
                        return
                    self.notes[resource](objects)
                noted.set()
        except Exception as error:
            if not self._ended.is_set():
                self._failed = True
                self.on_error(str(error))
        noted.set()
