"""What watches the Pod of recorder.py, each in a process of its own, as in a kernel: `python -m bench.watchers recorder`."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workbook.cluster.current import api, current
from workbook.lessons.recorder import recorder

POD = "bench-changing"
"""The Pod's name, and the value of its label `app`. The restarts of its container are the numbers of its changes."""
SELECTOR = f"app={POD}"
Seen = list[tuple[int, float]]
"""The number of each change, and when it was noticed, in seconds since 1970."""


@contextmanager
def by_recorder() -> Iterator[Seen]:
    """Watch by the workbook's recorder."""
    seen: Seen = []
    with recorder(SELECTOR) as recorded:
        yield seen
    seen += [(row.restarts, recorded.begun + row.seconds) for row in recorded.rows]


@contextmanager
def by_informer() -> Iterator[Seen]:
    """Watch by the informer of the Kubernetes client."""
    # Imported here, so that the other processes don't hold its thousand classes.
    from kubernetes import client
    from kubernetes.informer import ADDED, MODIFIED, SharedInformer

    seen: Seen = []
    listed = threading.Event()

    def note(pod: Any) -> None:
        seen.append((pod.status.container_statuses[0].restart_count, time.time()))

    core = client.CoreV1Api(client.ApiClient(api().configuration))
    informer = SharedInformer(core.list_namespaced_pod, current().namespace, label_selector=SELECTOR)
    informer.add_event_handler(ADDED, lambda _: listed.set())
    informer.add_event_handler(MODIFIED, note)
    informer.start()
    _require(listed)
    yield seen  # the informer's thread ends with the process: `stop()` would print the connection's end as an error


@contextmanager
def by_kubectl() -> Iterator[Seen]:
    """Watch by `kubectl get --watch`, whose fourth column is RESTARTS."""
    cluster = current()
    seen: Seen = []
    listed = threading.Event()
    kubectl = subprocess.Popen(
        [*cluster.kubectl(), "get", "pod", POD, "--watch", "--no-headers"],
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )

    def read() -> None:
        for line in kubectl.stdout or ():  # the first line is the Pod as it is
            seen.append((int(line.split()[3]), time.time()))
            listed.set()

    reader = threading.Thread(target=read)
    reader.start()
    _require(listed)
    yield seen
    kubectl.terminate()
    reader.join()


WATCHERS = {"recorder": by_recorder, "`kubectl get --watch`": by_kubectl, "the client's informer": by_informer}
"""The ways to watch: that of the workbook first."""


def _require(listed: threading.Event) -> None:
    if not listed.wait(30):
        raise RuntimeError("the Pod was not listed")


def main() -> None:
    """Watch until a line arrives; print `ready` after the start, and what was seen at the end, as JSON."""
    with WATCHERS[sys.argv[1]]() as seen:
        print("ready", flush=True)
        sys.stdin.readline()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
