"""The teacher's board: how far each learner of a class is, and who needs help.

It lists and watches three resources: the learners' namespaces, their ConfigMaps with the progress, and their Pods. A
learner's token may only read one namespace, so nothing else is requested with it.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from workbook.base.errors import WorkbookError
from workbook.base.scratch import scratch
from workbook.classroom.names import LEARNERS, OTHER
from workbook.classroom.rows import Row, rows
from workbook.cluster.current import api as own_api
from workbook.cluster.existing import users_part
from workbook.kube import kubeconfig
from workbook.kube.client import Api, message
from workbook.kube.objects import Object
from workbook.kube.watch import follow
from workbook.lessons.progress import CONFIG_MAP
from workbook.lessons.tables import headed

PROGRESS = {"field_selector": f"metadata.name={CONFIG_MAP}"}
CLASS: dict[str, dict[str, str]] = {
    "namespaces": {"label_selector": LEARNERS},
    "configmaps": PROGRESS,
    "pods": {"field_selector": "metadata.namespace!=kube-system"},
}
"""What is read about a class, in all namespaces: the resources, with their selectors."""
ONE: dict[str, dict[str, str]] = {"configmaps": PROGRESS, "pods": {}}
"""What is read with a learner's token, in the learner's namespace."""
FOREVER = 365 * 24 * 3600.0
LOST = "The API server does not answer. The table shows what was known before, and is updated when it answers again."


@dataclass(frozen=True)
class _Access:
    """The data for a connection; see workbook/kube/client.py."""

    name: str
    kubeconfig: Path
    context: str
    namespace: str
    local: bool = False


class Board:
    """The rows about a class, or about the one learner whose token this is.

    Args:
        api: the connection. Its namespace is the learner's, if the token may not read all namespaces.

    Raises:
        WorkbookError: no answer from the API server.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self.of_class = _may_read_all(api)
        self._resources = CLASS if self.of_class else ONE
        self._objects: dict[str, list[Object]] = {resource: [] for resource in self._resources}
        self._lost: set[str] = set()
        self._error = ""
        self._changed = threading.Condition()
        self._version = 0
        self._ended = threading.Event()

    def read(self) -> None:
        """Read everything once.

        Raises:
            WorkbookError: no answer from the API server, or a refusal.
        """
        for resource, selectors in self._resources.items():
            self._objects[resource] = self._api.objects(resource, self._namespace, **selectors)

    def watch(self) -> None:
        """Follow all changes in background threads until `stop`. They survive an API server that doesn't answer."""
        for resource in self._resources:
            threading.Thread(target=self._follow, args=(resource,), daemon=True).start()

    def stop(self) -> None:
        """End the watches soon. It doesn't wait for them."""
        self._ended.set()

    def rows(self) -> list[Row]:
        """Return the rows as they are now, sorted by who needs help."""
        with self._changed:
            objects = dict(self._objects)
        # The label of a namespace can be set by the learner who creates it: notebook 04's second one ends in `-other`.
        names = [item["metadata"]["name"] for item in objects.get("namespaces", [])]
        learners = [name for name in names if not name.endswith(OTHER)] if self.of_class else [self._api.namespace]
        config_maps = {item["metadata"]["namespace"]: item for item in objects["configmaps"]}
        return rows(learners, config_maps, objects["pods"], datetime.now(UTC))

    @property
    def notice(self) -> str:
        """What the reader must know about the table: why it is not up to date; empty if it is."""
        return self._error or (LOST if self._lost else "")

    def wait(self, seen: int, timeout: float) -> int:
        """Wait for a change, and return its number.

        Args:
            seen: the number of the last change that the caller knows.
            timeout: seconds, after which it returns the same number.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._version != seen, timeout)
            return self._version

    @property
    def _namespace(self) -> str:
        return "" if self.of_class else self._api.namespace

    def _follow(self, resource: str) -> None:
        # Imported here, because the Kubernetes client loads slowly.
        from kubernetes.client.exceptions import ApiException

        selectors = self._resources[resource]
        changes = follow(
            self._api,
            resource,
            self._namespace,
            selector=selectors.get("label_selector", ""),
            field_selector=selectors.get("field_selector", ""),
            timeout=FOREVER,
            until=self._ended,
            reached=lambda answered: self._reached(resource, answered),
        )
        try:
            for objects in changes:
                with self._changed:
                    self._objects[resource] = list(objects.values())
                    self._count()
        except (ApiException, WorkbookError) as error:
            problem = error.what if isinstance(error, WorkbookError) else f"{message(error)}."
            with self._changed:
                self._error = f"The table is no longer updated: {problem} Run `make board` again."
                self._count()

    def _reached(self, resource: str, answered: bool) -> None:
        with self._changed:
            before = bool(self._lost)
            (self._lost.discard if answered else self._lost.add)(resource)
            if before != bool(self._lost):
                self._count()

    def _count(self) -> None:
        self._version += 1
        self._changed.notify_all()


@contextmanager
def opened() -> Iterator[Board]:
    """Connect to the cluster of the class, and yield a board that has not read anything.

    That is the cluster in the context `WORKBOOK_CONTEXT` of the reader's kubeconfig, as for `make classroom`. Without
    this variable, it is the workbook's own cluster.

    Raises:
        WorkbookError: there is no such context or no cluster, or no answer from the API server.
    """
    with scratch() as folder:
        board = Board(connected(folder))
        try:
            yield board
        finally:
            board.stop()


def board() -> pd.DataFrame:
    """Return how far each learner of a class is, who needs help first; with a learner's token, only that learner.

    Returns:
        One row per learner; the index is LEARNER, the name of the namespace. STATE is *needs help*, *not begun*, *working*
        or *finished*; BEGUN and DONE count notebooks, EXERCISES and WITH_SOLUTION exercises. FAILED_CHECK is the text of the
        check that fails since FAILED_SINCE, LAST_CELL the time of the last cell, and STUCK_PODS are Pods with the reason.
        Then there is a column for each notebook. Times are in UTC.

    Raises:
        WorkbookError: there is no cluster, no answer from the API server, or a refusal.

    Documentation: https://kubernetes.io/docs/concepts/configuration/configmap/
    """
    with opened() as current:
        current.read()
        return table(current.rows())


def table(found: list[Row]) -> pd.DataFrame:
    """Return rows as a DataFrame; `board` describes it."""
    records: list[Mapping[str, Any]] = [row.record() for row in found]
    frame = pd.DataFrame(records, columns=list(records[0]) if records else ["learner"])
    return headed(frame.rename(columns=str.upper))


def connected(folder: Path) -> Api:
    """Return a connection to the cluster of the class, which `opened` describes.

    Args:
        folder: gets a copy of the reader's kubeconfig, with keys in it.
    """
    context = os.environ.get("WORKBOOK_CONTEXT", "")
    if not context:
        return own_api()
    config = users_part(context, {}, show=False)
    entry = next(each["context"] for each in config["contexts"] if each["name"] == context)
    namespace = os.environ.get("WORKBOOK_NAMESPACE") or entry.get("namespace") or "default"
    access = _Access(context, folder / "kubeconfig", context, namespace)
    kubeconfig.write(access.kubeconfig, yaml.safe_dump(config), context, namespace)
    return Api(access)


def _may_read_all(api: Api) -> bool:
    """Whether the token may list ConfigMaps in all namespaces, as an instructor's may.

    Documentation: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
    """
    body = {"spec": {"resourceAttributes": {"verb": "list", "resource": "configmaps"}}}
    answer = api.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=body, timeout=10)
    return bool(json.loads(answer.data)["status"]["allowed"])
