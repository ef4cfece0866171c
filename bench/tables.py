"""Tables of 10 to 5,000 Pods and Deployments."""

import gc
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

import kr8s
import pandas as pd
from kubernetes import client

from bench.measuring import ROUNDS, Row, in_turn, seconds, versus
from bench.processes import python
from workbook.base.labels import MANAGED
from workbook.base.steps import step
from workbook.cluster.current import api, current
from workbook.kube.watch import follow
from workbook.lessons.kubectl import kubectl
from workbook.lessons.tables import deployments, pods

SIZES = (10, 100, 1000, 5000)
PREFIX = "workbook-bench-"
"""The beginning of the names of the namespaces: one for each size, so that the sizes can be measured in turn."""
THREADS = 8
"""Number of threads that create the objects."""
TYPED = {
    "pods": (client.CoreV1Api, "list_namespaced_pod"),
    "deployments": (client.AppsV1Api, "list_namespaced_deployment"),
}
LABELS = {"app": "many"}
POD = {"containers": [{"name": "web", "image": "web-app:1.0", "ports": [{"containerPort": 5000}]}]}
MEMORY = """
from pathlib import Path
{work}
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""
"""A program that prints its peak memory in KiB. It does not use getrusage, since a child starts with its parent's peak."""


def measure(options: Namespace) -> Iterator[Row]:
    """Measure the workbook in a process that has used it before, as in a kernel; kubectl is a new process each time."""
    with many():
        for table in (pods, deployments):
            yield from _compare(table)
        if sys.platform == "linux":
            yield from memory()


def _compare(table: Callable[..., pd.DataFrame]) -> Iterator[Row]:
    resource, kubectl = table.__name__, current().kubectl()
    ways: dict[str, Callable[[str], int]] = {
        "workbook": lambda namespace: len(table(namespace=namespace)),
        "`kubectl get`": partial(_kubectl, kubectl, resource),
        "the client's typed list": partial(_typed, resource),
        "kr8s": partial(_kr8s, resource),
    }
    calls = {(size, way): partial(_timed, call, size) for size in SIZES for way, call in ways.items()}
    with step(f"Measure {resource}"):
        in_turn(calls, rounds=1)  # not counted: opens connections, fills caches
        times = in_turn(calls)
    for size in SIZES:
        for way in [way for way in ways if way != "workbook"]:
            goal = 0.6 if way == "`kubectl get`" and size == max(SIZES) else None
            yield versus(f"`{resource}()` of {size:,}", way, times[size, "workbook"], times[size, way], goal)
    growth = [
        big / small * 1000 / 5000 for big, small in zip(times[5000, "workbook"], times[1000, "workbook"], strict=True)
    ]
    yield Row(f"`{resource}()`: time per object at 5,000, divided by that at 1,000", median(growth), 1.0, runs=ROUNDS)


def _timed(call: Callable[[str], int], size: int) -> float:
    """The seconds of a call, which must find `size` objects. Garbage from earlier calls is collected first."""
    counted: list[int] = []
    gc.collect()
    took = seconds(lambda: counted.append(call(f"{PREFIX}{size}")))
    if counted != [size]:
        raise RuntimeError(f"{counted} objects were found, but {size} were created")
    return took


def _kubectl(command: list[str], resource: str, namespace: str) -> int:
    """Run kubectl as a shell does; return how many lines it prints below the heading."""
    environment = {**os.environ, "KUBECONFIG": str(current().kubeconfig)}
    words = [*command, "get", resource, "--namespace", namespace]
    return subprocess.run(words, env=environment, stdout=subprocess.PIPE, check=True).stdout.count(b"\n") - 1


def _typed(resource: str, namespace: str) -> int:
    typed, call = TYPED[resource]
    return len(getattr(typed(_client()), call)(namespace).items)


def _client() -> client.ApiClient:
    return client.ApiClient(api().configuration)


def _kr8s(resource: str, namespace: str) -> int:
    cluster = current()
    connection = kr8s.api(kubeconfig=str(cluster.kubeconfig), context=cluster.context)
    return len(list(connection.get(resource, namespace=namespace)))


def memory() -> Iterator[Row]:
    """Measure the peak memory of a process that makes one table, and of one that only imports the libraries."""
    programs = {
        "`import kubernetes, pandas`": ("import kubernetes, pandas", None),
        "`pods()` of 10": (f"from workbook import pods; pods(namespace='{PREFIX}10')", None),
        "`pods()` of 5,000": (f"from workbook import pods; pods(namespace='{PREFIX}5000')", 150),
    }
    for name, (work, goal) in programs.items():
        peaks = [int(python(MEMORY.format(work=work))) / 1024 for _ in range(ROUNDS)]
        yield Row(f"peak memory, {name}", median(peaks), goal, "MiB", runs=ROUNDS)


@contextmanager
def many() -> Iterator[None]:
    """Create a namespace with Pods and Deployments for each of `SIZES`; delete them after the block.

    Nothing works on them meanwhile: the Pods name a scheduler that does not exist, and the controllers are stopped.
    """
    core, apps = client.CoreV1Api(_client()), client.AppsV1Api(_client())
    try:
        for size in SIZES:
            core.create_namespace({"metadata": {"name": f"{PREFIX}{size}", "labels": MANAGED}})
            # The API server refuses Pods until the namespace has a ServiceAccount.
            next(accounts for accounts in follow(api(), "serviceaccounts", f"{PREFIX}{size}", timeout=60) if accounts)
        with _without_controllers():
            for size in SIZES:
                with step(f"Create {size:,} Pods and Deployments"), ThreadPoolExecutor(THREADS) as threads:
                    for call, describe in (
                        (core.create_namespaced_pod, _pod),
                        (apps.create_namespaced_deployment, _deployment),
                    ):
                        list(threads.map(partial(_create, call, f"{PREFIX}{size}", describe), range(size)))
            yield
    finally:
        with step("Delete the Pods and Deployments"):
            kubectl("delete", "namespace", *(f"{PREFIX}{size}" for size in SIZES), "--ignore-not-found", timeout=900)


@contextmanager
def _without_controllers() -> Iterator[None]:
    """Stop the controllers of the cluster during the block: so many Deployments would keep them busy for 15 minutes.

    The kubelet runs the manifests in a folder: https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
    """
    node = current().docker().containers.get(f"{current().name}-control-plane")
    manifest = "kube-controller-manager.yaml"
    selector = "--selector=component=kube-controller-manager"
    node.exec_run(["mv", f"/etc/kubernetes/manifests/{manifest}", "/etc/kubernetes"])
    try:
        kubectl("wait", "pod", "--namespace=kube-system", selector, "--for=delete", "--timeout=120s", timeout=150)
        yield
    finally:
        node.exec_run(["mv", f"/etc/kubernetes/{manifest}", "/etc/kubernetes/manifests"])


def _create(call: Callable[..., Any], namespace: str, describe: Callable[[int], dict[str, Any]], number: int) -> None:
    call(namespace, describe(number), _preload_content=False)


def _pod(number: int) -> dict[str, Any]:
    return {"metadata": {"name": f"web-{number}", "labels": LABELS}, "spec": {"schedulerName": "nobody", **POD}}


def _deployment(number: int) -> dict[str, Any]:
    template = {"metadata": {"labels": LABELS}, "spec": POD}
    spec = {"replicas": 0, "selector": {"matchLabels": LABELS}, "template": template}
    return {"metadata": {"name": f"web-{number}", "labels": LABELS}, "spec": spec}
