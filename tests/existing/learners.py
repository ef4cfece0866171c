"""Two learners of a class on one shared cluster, each with a kubeconfig of their own."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from workbook.base.paths import ROOT, clusters
from workbook.classroom import learners, tokens
from workbook.cluster.kind import Kind
from workbook.kube.client import Api
from workbook.kube.kubeconfig import USERS
from workbook.kube.kubectl import require_kubectl

LEARNERS = ADA, BOB = "learner-ada", "learner-bob"


def kubectl(kubeconfig: str | Path, *words: str, text: str | None = None) -> tuple[int, str]:
    """Run kubectl with a kubeconfig; return its exit status and its output.

    Args:
        kubeconfig: the path of the kubeconfig.
        words: the arguments of kubectl.
        text: its standard input.
    """
    env = {**os.environ, "KUBECONFIG": str(kubeconfig), "KUBECACHEDIR": f"{kubeconfig}.cache"}
    done = subprocess.run(
        [require_kubectl(), *words],
        env=env,
        cwd=ROOT,
        input=text,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


@dataclass(frozen=True)
class User:
    """A user of a cluster, as `Api` connects one."""

    kubeconfig: Path
    context: str
    namespace: str = "default"
    name: str = "the class"
    local: bool = False


def asked(api: Api, method: str, path: str, body: dict[str, Any] | None = None, **query: str) -> tuple[int, str]:
    """Send a request to the API server; return the status and what it answered: a message, if it refused.

    Args:
        api: the user's connection.
        method: such as `"POST"`.
        path: the path on the API server.
        body: an object.
        query: the query's parameters.
    """
    try:
        response = api.request(method, path, body=body, query=query)
        return response.status, response.data.decode()
    except ApiException as refusal:
        answer = str(refusal.body)
        with contextlib.suppress(ValueError):
            answer = json.loads(answer)["message"]
        return int(refusal.status), answer


@contextlib.contextmanager
def instructing(cluster: Kind, folder: Path) -> Iterator[None]:
    """Be the instructor of a class on a cluster during the block: its administrator, in this process.

    Args:
        cluster: the class's cluster.
        folder: for the learners' kubeconfigs.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "HANDED_OUT", folder)
        patch.setattr(learners, "ROOT", folder.parent)
        for variable in ("KUBECONFIG", USERS):  # one of the workbook's own is not taken for a reader's
            patch.setenv(variable, str(cluster.kubeconfig))
        patch.setenv("KUBECACHEDIR", f"{cluster.kubeconfig}.cache")  # an administrator's is in the home
        patch.setenv("WORKBOOK_CONTEXT", cluster.context)
        yield


@contextlib.contextmanager
def taught(cluster: Kind, registry: str, folder: Path) -> Iterator[dict[str, dict[str, str]]]:
    """Prepare a class on a cluster, and delete it at the end of the block; give each learner's environment by name.

    Args:
        cluster: the class's cluster.
        registry: the `host:port` of the image registry.
        folder: for the learners' kubeconfigs.
    """
    with instructing(cluster, folder):
        learners.classroom(*LEARNERS)
    try:
        yield {
            name: {
                "KUBECONFIG": str(folder / f"{name}.kubeconfig"),
                "WORKBOOK_PROFILE": f"workbook-{name}",
                "WORKBOOK_CLUSTER": "existing",
                "WORKBOOK_CONTEXT": name,
                "WORKBOOK_NAMESPACE": name,
                "WORKBOOK_REGISTRY": f"{registry}/{name}",
            }
            for name in LEARNERS
        }
    finally:
        with instructing(cluster, folder):
            learners.delete()
        for name in LEARNERS:
            shutil.rmtree(clusters() / f"workbook-{name}", ignore_errors=True)
