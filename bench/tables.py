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
"""A Namespace for each size, so that all sizes can be measured in turn."""
LINES = 8
"""How many requests are under way at once while the objects are made."""
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
"""Prints the most memory that its process has had, in KiB. getrusage would not do: a child begins with its parent's."""


def measure(options: Namespace) -> Iterator[Row]:
    """Our call in a warm process, as a kernel is one; kubectl as a process, as it is one everywhere."""
    with many():
        for table in (pods, deployments):
            yield from _compare(table)
        if sys.platform == "linux":
            yield from memory()


def _compare(table: Callable) -> Iterator[Row]:
    resource, words = table.__name__, current().kubectl()
    ways = {
        "ours": lambda namespace: len(table(namespace=namespace)),
        "kubectl get": partial(_kubectl, words, resource),
        "the client's typed list": partial(_typed, resource),
        "kr8s": partial(_kr8s, resource),
    }
    calls = {(size, way): partial(_timed, call, size) for size in SIZES for way, call in ways.items()}
    with step(f"Measure {resource}"):
        in_turn(calls, rounds=1)  # not counted: connections are opened, caches filled
        found = in_turn(calls)
    for size in SIZES:
        for way in [way for way in ways if way != "ours"]:
            goal = 0.6 if way == "kubectl get" and size == max(SIZES) else None
            yield versus(f"{resource}() of {size:,}", way, found[size, "ours"], found[size, way], goal)
    growth = [big / small * 1000 / 5000 for big, small in zip(found[5000, "ours"], found[1000, "ours"], strict=True)]
    yield Row(f"{resource}(): an object's time at 5,000 by that at 1,000", median(growth), 1.0, runs=ROUNDS)


def _timed(call: Callable[[str], int], size: int) -> float:
    """The seconds of a call that must find `size` objects; the garbage of the one before is not its burden."""
    counted: list[int] = []
    gc.collect()
    took = seconds(lambda: counted.append(call(f"{PREFIX}{size}")))
    if counted != [size]:
        raise RuntimeError(f"{counted} objects were found, and {size} were made")
    return took


def _kubectl(words: list[str], resource: str, namespace: str) -> int:
    """kubectl as a shell runs it; returns how many lines it prints below the heading."""
    environment = {**os.environ, "KUBECONFIG": str(current().kubeconfig)}
    command = [*words, "get", resource, "--namespace", namespace]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout.count(b"\n") - 1


def _typed(resource: str, namespace: str) -> int:
    typed, call = TYPED[resource]
    return len(getattr(typed(_client()), call)(namespace).items)


def _client() -> client.ApiClient:
    return client.ApiClient(api().configuration)


def _kr8s(resource: str, namespace: str) -> int:
    ours = current()
    connection = kr8s.api(kubeconfig=str(ours.kubeconfig), context=ours.context)
    return len(list(connection.get(resource, namespace=namespace)))


def memory() -> Iterator[Row]:
    """The most memory that a process of its own has, with nothing but our table in it; and what the imports take of that."""
    what = {
        "import kubernetes, pandas": ("import kubernetes, pandas", None),
        "pods() of 10": (f"from workbook import pods; pods(namespace='{PREFIX}10')", None),
        "pods() of 5,000": (f"from workbook import pods; pods(namespace='{PREFIX}5000')", 150),
    }
    for name, (work, goal) in what.items():
        most = [int(python(MEMORY.format(work=work))) / 1024 for _ in range(ROUNDS)]
        yield Row(f"peak memory, {name}", median(most), goal, "MiB", runs=ROUNDS)


@contextmanager
def many() -> Iterator[None]:
    """Has a Namespace with that many Pods and Deployments for each of `SIZES`; takes them away in the end.

    Nothing works on them meanwhile: no scheduler has the Pods' name, and the controllers are paused.
    """
    core, apps = client.CoreV1Api(_client()), client.AppsV1Api(_client())
    try:
        for size in SIZES:
            core.create_namespace({"metadata": {"name": f"{PREFIX}{size}", "labels": MANAGED}})
            next(there for there in follow("serviceaccounts", f"{PREFIX}{size}", timeout=60) if there)
        with _without_controllers():
            for size in SIZES:
                with step(f"Make {size:,} Pods and Deployments"), ThreadPoolExecutor(LINES) as lines:
                    for call, describe in (
                        (core.create_namespaced_pod, _pod),
                        (apps.create_namespaced_deployment, _deployment),
                    ):
                        list(lines.map(partial(_create, call, f"{PREFIX}{size}", describe), range(size)))
            yield
    finally:
        with step("Delete them"):
            kubectl("delete", "namespace", *(f"{PREFIX}{size}" for size in SIZES), "--ignore-not-found", timeout=900)


@contextmanager
def _without_controllers() -> Iterator[None]:
    """Stops the controllers of the cluster, which would be busy with so many Deployments for a quarter of an hour.

    The kubelet runs what is in the folder of manifests: https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
    """
    node = current().docker().containers.get(f"{current().name}-control-plane")
    manifest = "kube-controller-manager.yaml"
    waiting = (
        "wait",
        "pod",
        "--namespace=kube-system",
        "--selector=component=kube-controller-manager",
        "--timeout=120s",
    )
    node.exec_run(["mv", f"/etc/kubernetes/manifests/{manifest}", "/etc/kubernetes"])
    try:
        kubectl(*waiting, "--for=delete", timeout=150)
        yield
    finally:
        node.exec_run(["mv", f"/etc/kubernetes/{manifest}", "/etc/kubernetes/manifests"])


def _create(call: Callable, namespace: str, describe: Callable[[int], dict[str, Any]], number: int) -> None:
    call(namespace, describe(number), _preload_content=False)


def _pod(number: int) -> dict[str, Any]:
    return {"metadata": {"name": f"web-{number}", "labels": LABELS}, "spec": {"schedulerName": "nobody", **POD}}


def _deployment(number: int) -> dict[str, Any]:
    template = {"metadata": {"labels": LABELS}, "spec": POD}
    spec = {"replicas": 0, "selector": {"matchLabels": LABELS}, "template": template}
    return {"metadata": {"name": f"web-{number}", "labels": LABELS}, "spec": spec}
