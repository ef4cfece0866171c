"""The start of a cluster whose node image is present, compared with the same commands without the workbook."""

import contextlib
import io
import shutil
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import yaml

import node
from bench.measuring import Row, in_turn, seconds, versus
from bench.processes import timed
from workbook.base.steps import step
from workbook.cluster import ready
from workbook.cluster.choose import Provider, Settings
from workbook.cluster.current import open_cluster
from workbook.cluster.protocol import CPUS, MEMORY_MB, Cluster
from workbook.engine.pull import present
from workbook.kube.kubectl import require_kubectl
from workbook.machine.set_up import up

Command = tuple[str | Path, ...]
Times = dict[str, float]
"""Seconds, by what was waited for."""
NODE_READY, PODS_READY = "`start()` to a Ready node", "`start()` to all of Kubernetes' own Pods"
RESTART = "restart to all of Kubernetes' own Pods"
PLAIN = "workbook-bench-plain"
"""The name of the cluster that is created without the workbook."""
NODE = ("wait", "node", "--all", "--for=condition=Ready", "--timeout=300s")
DNS = ("rollout", "status", "deployment/coredns", "--namespace=kube-system", "--timeout=300s")
"""CoreDNS first: right after the start some Pods do not exist yet, and others are Ready only for a moment."""
SYSTEM = ("wait", "pods", "--all", "--namespace=kube-system", "--for=condition=Ready", "--timeout=300s")


def measure(options: Namespace) -> Iterator[Row]:
    """Measure the time until the node is Ready, until Kubernetes' own Pods are ready, and until they are after a restart.

    Only in kind, the workbook can change what these Pods wait for, so only kind's have a stricter goal, and a restart.
    """
    with tempfile.TemporaryDirectory() as scratch:
        yield from _compare(
            Provider.KIND, partial(_kind, Path(scratch)), {NODE_READY: 1.15, PODS_READY: 0.65, RESTART: 0.6}
        )
        if shutil.which("minikube"):
            yield from _compare(
                Provider.MINIKUBE, partial(_minikube, Path(scratch)), {NODE_READY: 1.15, PODS_READY: 1.15}
            )
    up()  # for the sections that follow


def _compare(provider: Provider, plain: Callable[[], Times], goals: Mapping[str, float]) -> Iterator[Row]:
    """Compare the workbook's cluster with one that `plain` creates and deletes, by the seconds of each of `goals`."""
    cluster = open_cluster(provider, Settings.from_environment())
    cluster.delete()
    with step(f"Start and delete clusters of {provider}"):
        ways: dict[str, Callable[[], Times]] = {"workbook": partial(_workbook, cluster), "plain": plain}
        results = in_turn(ways)
    for what, goal in goals.items():
        workbook, peer = ([times[what] for times in results[way]] for way in ("workbook", "plain"))
        yield versus(f"{provider}: {what}", f"bare {provider}", workbook, peer, goal)


def _workbook(cluster: Cluster) -> Times:
    """Start a cluster as `start()` does, restart it, and delete it."""
    with contextlib.redirect_stdout(io.StringIO()):
        begun = time.perf_counter()
        api = cluster.start()
        node_ready = time.perf_counter() - begun
        ready.settle(cluster, api)
        pods_ready = time.perf_counter() - begun
        restart = _restart(cluster)
        cluster.delete()
    return {NODE_READY: node_ready, PODS_READY: pods_ready, RESTART: restart}


def _kind(scratch: Path) -> Times:
    """Start, restart and delete a cluster with kind and kubectl.

    After the restart, the workbook waits: kubectl would take the Pods' old statuses for new ones.
    """
    cluster = open_cluster(Provider.KIND, replace(Settings.from_environment(PLAIN), folder=scratch))
    official = present(cluster.docker(), node.official())
    config = scratch / "kind.yaml"
    config.write_text(yaml.safe_dump(node.kind_config(node.machine.detect(), not official)), encoding="utf-8")
    image = node.official() if official else node.node_tag()
    words = ("--name", cluster.name, "--kubeconfig", cluster.kubeconfig)
    create = (node.kind(), "create", "cluster", *words, "--image", image, "--config", config, "--wait", "300s")
    with _created(cluster.kubeconfig, create, (node.kind(), "delete", "cluster", *words)) as times:
        return times | {RESTART: _restart(cluster)}


def _minikube(scratch: Path) -> Times:
    """Start and delete a cluster with minikube and kubectl."""
    profile = ("minikube", "--profile", PLAIN)
    start = ("start", f"--cpus={CPUS}", f"--memory={MEMORY_MB}", "--container-runtime=docker", "--interactive=false")
    with _created(scratch / "kubeconfig", (*profile, *start), (*profile, "delete")) as times:
        return times


@contextlib.contextmanager
def _created(kubeconfig: Path, create: Command, delete: Command) -> Iterator[Times]:
    """Create a cluster, wait for its node and its Pods, and yield the seconds of both; delete it after the block."""
    env = {"KUBECONFIG": str(kubeconfig)}

    def kubectl(*words: str) -> float:
        return timed(require_kubectl(), *words, env=env)

    try:
        node_ready = timed(*create, env=env) + kubectl(*NODE)
        yield {NODE_READY: node_ready, PODS_READY: node_ready + kubectl(*DNS) + kubectl(*SYSTEM)}
    finally:
        timed(*delete, env=env)


def _restart(cluster: Cluster) -> float:
    """Stop a cluster; return the seconds from its start until Kubernetes' own Pods are ready again."""
    created = cluster.node()
    with contextlib.redirect_stdout(io.StringIO()):
        ready.settle(cluster, cluster.start())  # creates the namespace, if the workbook did not create the cluster
        cluster.stop()
        took = seconds(lambda: ready.settle(cluster, cluster.start()))
    if cluster.node() != created:
        raise RuntimeError(f"the cluster {cluster.name!r} did not start again, and was replaced")
    return took
