"""A cluster's start, the node image at hand, beside the same without the workbook."""

import contextlib
import io
import shutil
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import yaml

import node
from bench.measuring import Row, in_turn, seconds, versus
from bench.processes import timed
from workbook.base.steps import step
from workbook.cluster import ready
from workbook.cluster.choose import Provider, Settings
from workbook.cluster.current import api, current, open_cluster
from workbook.cluster.protocol import CPUS, MEMORY_MB, Cluster
from workbook.engine.pull import present
from workbook.machine.set_up import up

PLAIN = "workbook-bench-plain"
"""The name of the cluster that is made without the workbook."""
NODE = ("wait", "node", "--all", "--for=condition=Ready", "--timeout=300s")
DNS = ("rollout", "status", "deployment/coredns", "--namespace=kube-system", "--timeout=300s")
"""First this: just after the start only some of the Pods are there, and these are Ready for a moment before they are not."""
SYSTEM = ("wait", "pods", "--all", "--namespace=kube-system", "--for=condition=Ready", "--timeout=300s")


def measure(options: Namespace) -> Iterator[Row]:
    """Twice: to a Ready node, and until Kubernetes' own Pods are ready too, for which `start()` waits as well."""
    providers = {Provider.KIND: _kind} | ({Provider.MINIKUBE: _minikube} if shutil.which("minikube") else {})
    with tempfile.TemporaryDirectory() as scratch:
        for name, plain in providers.items():
            ours = open_cluster(name, Settings.from_environment())
            ours.delete()
            with step(f"Start and delete clusters of {name}"):
                found = in_turn(
                    {"ours": lambda ours=ours: _ours(ours), "plain": lambda plain=plain: plain(Path(scratch))}
                )
            for at, what in enumerate(("a Ready node", "all of its own Pods ready")):
                both = ([each[at] for each in found[way]] for way in ("ours", "plain"))
                yield versus(f"{name}: start() to {what}", f"bare {name}", *both, goal=1.15)
    up()  # for the measurements that come next


def _ours(ours: Cluster) -> tuple[float, float]:
    """What `start()` does, in its two parts."""
    with contextlib.redirect_stdout(io.StringIO()):
        node_ready = seconds(ours.start)
        settled = seconds(lambda: ready.settle(ours, api()))
        ours.delete()
    return node_ready, node_ready + settled


def _kind(scratch: Path) -> tuple[float, float]:
    """The commands that the workbook prints, typed by hand."""
    official = present(current().docker(), node.OFFICIAL)
    config = scratch / "kind.yaml"
    config.write_text(yaml.safe_dump(node.kind_config(node.machine.detect(), not official)))
    image = node.OFFICIAL if official else node.node_tag()
    words = ("--name", PLAIN, "--kubeconfig", scratch / "kubeconfig")
    create = (node.kind(), "create", "cluster", *words, "--image", image, "--config", config, "--wait", "300s")
    return _plain(scratch, create, (node.kind(), "delete", "cluster", *words))


def _minikube(scratch: Path) -> tuple[float, float]:
    profile = ("minikube", "--profile", PLAIN)
    start = ("start", f"--cpus={CPUS}", f"--memory={MEMORY_MB}", "--container-runtime=docker", "--interactive=false")
    return _plain(scratch, (*profile, *start), (*profile, "delete"))


def _plain(scratch: Path, create: tuple, delete: tuple) -> tuple[float, float]:
    env = {"KUBECONFIG": str(scratch / "kubeconfig")}

    def kubectl(*words: str) -> float:
        return timed(node.kubectl() or "kubectl", *words, env=env)

    try:
        node_ready = timed(*create, env=env) + kubectl(*NODE)
        return node_ready, node_ready + kubectl(*DNS) + kubectl(*SYSTEM)
    finally:
        timed(*delete, env=env)
