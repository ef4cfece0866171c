"""The recorder: the delay of its rows, and the changes that it misses."""

import json
import os
import subprocess
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from statistics import median
from typing import Any

from kubernetes import client

from bench.measuring import Row
from workbook.base.paths import ROOT
from workbook.base.steps import step
from workbook.cluster.current import api, current
from workbook.lessons.kubectl import delete

Times = dict[int, float]
"""The time of each change, by its number."""
NAME = "bench-changing"
PACED, PAUSE = 50, 0.2
"""The number of changes with a pause after each, and the pause in seconds."""
QUICK = 1000
"""The number of changes without a pause."""
POD = {
    "metadata": {"name": NAME, "labels": {"app": NAME}},
    "spec": {"schedulerName": "nobody", "containers": [{"name": "web", "image": "web-app:1.0"}]},
}
# A recorder in a process of its own, as in a kernel. The restarts in its rows are the numbers of the changes.
RECORDER = f"""
import json, sys
from workbook import recorder
with recorder("app={NAME}") as recorded:
    print("ready", flush=True)
    sys.stdin.readline()
print(json.dumps([[row[-1], recorded.begun + row[0]] for row in recorded.rows]))
"""


def measure(options: Namespace) -> Iterator[Row]:
    """Measure numbered changes: each sets the restarts of a Pod's container, which recorder and kubectl show.

    A delay begins before the request that makes the change, so it includes the time that the API server takes.
    """
    core, namespace = client.CoreV1Api(client.ApiClient(api().configuration)), current().namespace
    delete("pod", NAME)
    core.create_namespaced_pod(namespace, POD, _preload_content=False)
    try:
        with step(f"Make {PACED} changes with pauses, then {QUICK:,} without"):
            made, recorded, watched = _observe(core, namespace)
    finally:
        core.delete_namespaced_pod(NAME, namespace, grace_period_seconds=0, _preload_content=False)
    paced, quick = range(1, PACED + 1), range(PACED + 1, PACED + QUICK + 1)
    for changes, goal, how in (
        (paced, 50, f"{PACED} changes, one each {PAUSE} s"),
        (quick, None, f"{QUICK:,} at once"),
    ):
        workbook, peer = (
            median(1000 * (seen[number] - made[number]) for number in changes if number in seen)
            for seen in (recorded, watched)
        )
        yield Row(
            f"recorder's delay, {how}", workbook, goal, "ms", "kubectl get -w", workbook, peer, "ms", len(changes)
        )
    for seen, who, goal in ((recorded, "the recorder", 0), (watched, "kubectl get -w", None)):
        lost = sum(number not in seen for number in quick)
        yield Row(f"changes lost by {who}, of {QUICK:,} quick ones", lost, goal, "")


def _observe(core: client.CoreV1Api, namespace: str) -> tuple[Times, Times, Times]:
    """Make the changes; return when each was made, when the recorder noticed it, and when kubectl printed it."""
    cluster, watching = current(), threading.Event()
    made: Times = {}
    recorded: Times = {}
    watched: Times = {}
    kubectl = subprocess.Popen(
        [*cluster.kubectl(), "get", "pod", NAME, "--watch", "--no-headers"],
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    recording = subprocess.Popen(
        [sys.executable, "-c", RECORDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT
    )

    def read_kubectl() -> None:
        for line in kubectl.stdout or ():
            watched.setdefault(int(line.split()[3]), time.time())
            watching.set()

    try:
        next(iter(recording.stdout or ()))  # it is ready
        threading.Thread(target=read_kubectl).start()
        if not watching.wait(30):  # kubectl first prints the Pod as it is
            raise RuntimeError("kubectl has not printed the Pod")
        for number in range(1, PACED + QUICK + 1):
            if number <= PACED:
                time.sleep(PAUSE)
            made[number] = time.time()
            core.patch_namespaced_pod_status(NAME, namespace, _status(number), _preload_content=False)
        time.sleep(2)  # a change that has not arrived by then is lost
        output, _ = recording.communicate("\n", timeout=30)
        for number, when in json.loads(output):
            recorded.setdefault(number, when)
        return made, recorded, watched
    finally:
        kubectl.terminate()
        recording.kill()
        kubectl.wait()
        recording.wait()


def _status(number: int) -> dict[str, Any]:
    """The body of the request for a change."""
    ready = "True" if number % 2 else "False"
    state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    container = {
        "name": "web",
        "image": "",
        "imageID": "",
        "ready": bool(number % 2),
        "restartCount": number,
        "state": state,
    }
    return {
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [container],
        }
    }
