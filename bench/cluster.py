"""The start of a cluster whose node image is present, compared with the same commands without the workbook."""

import contextlib
import io
import shutil
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import yaml

import node
from bench.measuring import Row, in_turn, versus
from bench.processes import timed
from workbook.base.steps import step
from workbook.cluster import ready
from workbook.cluster.choose import Provider, Settings
from workbook.cluster.current import current, open_cluster
from workbook.cluster.protocol import CPUS, MEMORY_MB, Cluster
from workbook.engine.pull import present
from workbook.kube.kubectl import require_kubectl
from workbook.machine.set_up import up

Command = tuple[str | Path, ...]
PLAIN = "workbook-bench-plain"
"""The name of the cluster that is created without the workbook."""
NODE = ("wait", "node", "--all", "--for=condition=Ready", "--timeout=300s")
DNS = ("rollout", "status", "deployment/coredns", "--namespace=kube-system", "--timeout=300s")
"""CoreDNS first: right after the start some Pods do not exist yet, and others are Ready only for a moment."""
SYSTEM = ("wait", "pods", "--all", "--namespace=kube-system", "--for=condition=Ready", "--timeout=300s")


def measure(options: Namespace) -> Iterator[Row]:
    """Measure the time until the node is Ready, and until Kubernetes' own Pods are ready: `start()` waits for both.

    A restart has no peer: after it, kubectl takes the Pods' old statuses for new ones.
    """
    providers = {Provider.KIND: _kind} | ({Provider.MINIKUBE: _minikube} if shutil.which("minikube") else {})
    with tempfile.TemporaryDirectory() as scratch:
        for name, without_workbook in providers.items():
            cluster = open_cluster(name, Settings.from_environment())
            cluster.delete()
            with step(f"Start and delete clusters of {name}"):
                results = in_turn(
                    {"workbook": partial(_with_workbook, cluster), "peer": partial(without_workbook, Path(scratch))}
                )
            # Only kind lets the workbook change the probes for which Kubernetes' own Pods wait.
            goals = {"a Ready node": 1.15, "all of its own Pods ready": 0.65 if name is Provider.KIND else 1.15}
            for part, (what, goal) in enumerate(goals.items()):
                workbook, peer = ([times[part] for times in results[way]] for way in ("workbook", "peer"))
                yield versus(f"{name}: start() to {what}", f"bare {name}", workbook, peer, goal)
            restarts = [restart for *_, restart in results["workbook"]]
            limit = 15 if name is Provider.KIND else None
            yield Row(f"{name}: restart", median(restarts), limit, "s", runs=len(restarts))
    up()  # for the sections that follow


def _with_workbook(cluster: Cluster) -> tuple[float, ...]:
    """Start a cluster as `start()` does, and delete it.

    Returns:
        The seconds to the Ready node and to the ready Pods, and those of a restart, also to the ready Pods.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        begun = time.perf_counter()
        api = cluster.start()
        node_ready = time.perf_counter() - begun
        ready.settle(cluster, api)
        settled = time.perf_counter() - begun
        cluster.stop()
        begun = time.perf_counter()
        ready.settle(cluster, cluster.start())
        restarted = time.perf_counter() - begun
        cluster.delete()
    return node_ready, settled, restarted


def _kind(scratch: Path) -> tuple[float, ...]:
    """Start and delete a cluster with the commands that the workbook prints; return the first two of these times."""
    official = present(current().docker(), node.official())
    config = scratch / "kind.yaml"
    config.write_text(yaml.safe_dump(node.kind_config(node.machine.detect(), not official)), encoding="utf-8")
    image = node.official() if official else node.node_tag()
    words = ("--name", PLAIN, "--kubeconfig", scratch / "kubeconfig")
    create = (node.kind(), "create", "cluster", *words, "--image", image, "--config", config, "--wait", "300s")
    return _plain(scratch, create, (node.kind(), "delete", "cluster", *words))


def _minikube(scratch: Path) -> tuple[float, ...]:
    profile = ("minikube", "--profile", PLAIN)
    start = ("start", f"--cpus={CPUS}", f"--memory={MEMORY_MB}", "--container-runtime=docker", "--interactive=false")
    return _plain(scratch, (*profile, *start), (*profile, "delete"))


def _plain(scratch: Path, create: Command, delete: Command) -> tuple[float, ...]:
    """Create a cluster, wait for its node and its Pods, and delete it, by commands alone; return the seconds of both."""
    env = {"KUBECONFIG": str(scratch / "kubeconfig")}

    def kubectl(*words: str) -> float:
        return timed(require_kubectl(), *words, env=env)

    try:
        node_ready = timed(*create, env=env) + kubectl(*NODE)
        return node_ready, node_ready + kubectl(*DNS) + kubectl(*SYSTEM)
    finally:
        timed(*delete, env=env)
