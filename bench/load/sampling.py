"""What is measured next to the learners: the API server's latency, and the memory of the learners' servers."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pandas as pd
from kubernetes.client.exceptions import ApiException

from workbook.base.errors import WorkbookError
from workbook.kube.client import Api

LATENCY, MEMORY = 0.25, 5
"""Seconds between two samples."""


class Samples:
    """Samples of a class. Threads append to it.

    Attributes:
        latencies: seconds that the API server took to list the Pods of a learner's namespace.
        refused: requests that were not answered.
        memory: by learner, the largest working set of the Pod with the learner's server, in bytes.
    """

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.refused = 0
        self.memory: dict[str, int] = defaultdict(int)


@contextmanager
def sampling(api: Api, namespace: str, desk_suffix: str) -> Iterator[Samples]:
    """Take samples until the block ends.

    Args:
        api: the connection of an administrator, who may read the kubelet's statistics.
        namespace: the learner's namespace whose Pods are listed.
        desk_suffix: what follows a learner's name in the name of the namespace with the learner's server.
    """
    samples, ended = Samples(), threading.Event()

    def latency() -> None:
        while not ended.wait(LATENCY):
            begun = time.perf_counter()
            try:
                api.list_objects("pods", namespace)
            except (WorkbookError, ApiException):
                samples.refused += 1
            else:
                samples.latencies.append(time.perf_counter() - begun)

    def memory() -> None:
        nodes = [node["metadata"]["name"] for node in api.list_objects("nodes")["items"]]
        while not ended.wait(MEMORY):
            for node in nodes:
                with suppress(WorkbookError, ApiException):  # the next sample comes soon
                    for desk, size in working_sets(api, node, desk_suffix):
                        samples.memory[desk] = max(samples.memory[desk], size)

    threads = [threading.Thread(target=sample, daemon=True) for sample in (latency, memory)]
    for thread in threads:
        thread.start()
    try:
        yield samples
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def working_sets(api: Api, node: str, desk_suffix: str) -> Iterator[tuple[str, int]]:
    """Yield the learners on a node, with the working set of each server's Pod in bytes.

    Documentation: https://kubernetes.io/docs/reference/instrumentation/node-metrics/
    """
    answer = api.request("GET", f"/api/v1/nodes/{node}/proxy/stats/summary")
    for pod in json.loads(answer.data)["pods"]:
        namespace = pod["podRef"]["namespace"]
        if namespace.endswith(desk_suffix) and "memory" in pod:
            yield namespace.removesuffix(desk_suffix), pod["memory"].get("workingSetBytes", 0)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values are; nan without values."""
    return float(pd.Series(values, dtype=float).quantile(share, interpolation="higher"))
