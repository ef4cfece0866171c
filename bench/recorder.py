"""The recorder: the delay of its rows, and the changes that it misses, compared with other programs that watch."""

import json
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

from kubernetes import client

from bench.measuring import Row, versus
from bench.watchers import POD, WATCHERS
from workbook.base.paths import ROOT
from workbook.base.processes import end
from workbook.base.steps import step
from workbook.cluster.current import api, current
from workbook.lessons.kubectl import delete

OURS, *PEERS = WATCHERS
Times = dict[int, float]
"""When each change was made or noticed, in seconds since 1970, by its number."""
PACED, PAUSE = range(1, 51), 0.2
"""The changes with a pause before each, and the pause in seconds."""
QUICK = range(51, 1051)
"""The changes without a pause."""
SETTLED = 2
"""Seconds after the last change. What has not been noticed by then is lost."""
MANIFEST = {
    "metadata": {"name": POD, "labels": {"app": POD}},
    "spec": {"schedulerName": "nobody", "containers": [{"name": "web", "image": "web-app:1.0"}]},
}


def measure(options: Namespace) -> Iterator[Row]:
    """Measure numbered changes of a Pod's status, which all programs watch at the same time.

    A delay begins before the request that makes the change, so it includes the time that the API server takes.
    """
    core, namespace = client.CoreV1Api(client.ApiClient(api().configuration)), current().namespace
    delete("pod", POD)
    core.create_namespaced_pod(namespace, MANIFEST, _preload_content=False)
    try:
        with _watching() as watchers, step(f"Make {len(PACED)} changes with pauses, then {len(QUICK):,} without"):
            made = _change(partial(core.patch_namespaced_pod_status, POD, namespace, _preload_content=False))
            time.sleep(SETTLED)
            seen = {name: _seen(watcher) for name, watcher in watchers.items()}
    finally:
        core.delete_namespaced_pod(POD, namespace, grace_period_seconds=0, _preload_content=False)
    for changes, goal, how in ((PACED, 1.2, f"one each {PAUSE} s"), (QUICK, None, "without a pause")):
        what = f"recorder's delay, {len(changes):,} changes {how}"
        found = [number for number in changes if all(number in times for times in seen.values())]
        delays = {name: [1000 * (times[number] - made[number]) for number in found] for name, times in seen.items()}
        if changes == PACED:
            yield Row(what, median(delays[OURS]), 50, "ms", runs=len(found))
        for peer in PEERS:
            yield versus(what, peer, delays[OURS], delays[peer], goal, "ms")
    lost = {name: sum(number not in times for number in QUICK) for name, times in seen.items()}
    for peer in PEERS:
        yield Row(f"changes lost of {len(QUICK):,}", lost[OURS], 0, "", peer, lost[OURS], lost[peer], "")


@contextmanager
def _watching() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Start a process for each of `WATCHERS`, and begin the block when all of them watch the Pod."""
    processes = {
        name: subprocess.Popen(
            [sys.executable, "-m", "bench.watchers", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        )
        for name in WATCHERS
    }
    try:
        for name, process in processes.items():
            if process.stdout is None or not process.stdout.readline():
                raise RuntimeError(f"{name} does not watch the Pod")
        yield processes
    finally:
        for process in processes.values():
            end(process)


def _change(request: Callable[[dict[str, Any]], Any]) -> Times:
    """Make the changes, each with a request; return when."""
    made: Times = {}
    for number in (*PACED, *QUICK):
        if number in PACED:
            time.sleep(PAUSE)
        made[number] = time.time()
        request(_status(number))
    return made


def _seen(watcher: subprocess.Popen[bytes]) -> Times:
    """End a watcher; return when it first noticed each change."""
    output, _ = watcher.communicate(b"\n", timeout=30)
    return dict(reversed(json.loads(output)))


def _status(number: int) -> dict[str, Any]:
    """The body of the request for a change."""
    ready = bool(number % 2)
    container = {
        "name": "web",
        "image": "",
        "imageID": "",
        "ready": ready,
        "restartCount": number,
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
    }
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"status": {"phase": "Running", "conditions": conditions, "containerStatuses": [container]}}
