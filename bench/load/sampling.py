"""What is measured next to the learners: the API server's latency, and what the learners' servers and the nodes use."""

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
from workbook.kube.objects import Object

LATENCY, USAGE = 0.25, 5
"""Seconds between two samples."""


class Samples:
    """Samples of a class. Threads append to it.

    Attributes:
        latencies: seconds that the API server took to list the Pods of a learner's namespace.
        refused: requests that were not answered.
        memory: by learner, the largest working set of the Pod with the learner's server, in bytes.
        nodes: by node, the largest working set, in bytes.
        processor: by node, the processor time in seconds since the node's start, at the first and at the last sample.
    """

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.refused = 0
        self.memory: dict[str, int] = defaultdict(int)
        self.nodes: dict[str, int] = defaultdict(int)
        self.processor: dict[str, tuple[float, float]] = {}


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

    def usage() -> None:
        nodes = [node["metadata"]["name"] for node in api.list_objects("nodes")["items"]]
        while not ended.wait(USAGE):
            for node in nodes:
                with suppress(WorkbookError, ApiException):  # the next sample comes soon
                    statistics = json.loads(api.request("GET", f"/api/v1/nodes/{node}/proxy/stats/summary").data)
                    add(samples, node, statistics, desk_suffix)

    threads = [threading.Thread(target=sample, daemon=True) for sample in (latency, usage)]
    for thread in threads:
        thread.start()
    try:
        yield samples
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def add(samples: Samples, node: str, statistics: Object, desk_suffix: str) -> None:
    """Add a kubelet's statistics to the samples.

    Args:
        samples: what is known so far.
        node: the node's name.
        statistics: the kubelet's answer.
        desk_suffix: as for `sampling`.

    Documentation: https://kubernetes.io/docs/reference/instrumentation/node-metrics/
    """
    whole = statistics["node"]
    seconds = whole["cpu"]["usageCoreNanoSeconds"] / 1e9
    samples.processor[node] = (samples.processor.get(node, (seconds,))[0], seconds)
    samples.nodes[node] = max(samples.nodes[node], whole["memory"]["workingSetBytes"])
    for pod in statistics["pods"]:
        namespace = pod["podRef"]["namespace"]
        if namespace.endswith(desk_suffix) and "memory" in pod:
            learner = namespace.removesuffix(desk_suffix)
            samples.memory[learner] = max(samples.memory[learner], pod["memory"].get("workingSetBytes", 0))


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values are; nan without values."""
    return float(pd.Series(values, dtype=float).quantile(share, interpolation="higher"))
