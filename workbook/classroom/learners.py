"""Prepare a shared cluster for a class: a Namespace for each learner, rights in it, and a kubeconfig to hand out."""

import os
import re
import tempfile
from pathlib import Path

import yaml

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import read, run, typed
from workbook.kube import kubeconfig
from workbook.kube.kubectl import require_kubectl

MANIFESTS = ROOT / "classroom"
HANDED_OUT = ROOT / "build" / "classroom"


def classroom(*learners: str) -> None:
    """Prepare the cluster in the context `WORKBOOK_CONTEXT`: each learner gets a Namespace with the learner's name.

    This requires the rights of an administrator. It writes build/classroom/NAME.kubeconfig, a secret, for each learner. A
    second run renews their tokens.

    Raises:
        WorkbookError: `WORKBOOK_CONTEXT` is not set, a name is not valid or already used, or a command failed.

    Documentation: https://kubernetes.io/docs/concepts/security/multi-tenancy/
    """
    for learner in learners:
        if not re.fullmatch(r"[a-z]([-a-z0-9]{0,40}[a-z0-9])?", learner) or learner.endswith("-other"):
            raise WorkbookError(
                f"{learner!r} cannot be the name of a learner's Namespace.",
                "A name starts with a lowercase letter, consists of lowercase letters, digits and dashes, and does not end in `-other`.",
                "Choose a name such as learner-1.",
            )
    if not (administrator := os.environ.get("WORKBOOK_CONTEXT")):  # the current context is not a default
        raise WorkbookError(
            "WORKBOOK_CONTEXT is not set.",
            "It names the context of the cluster on which you are an administrator.",
            "Set it to a context that `kubectl config get-contexts` lists.",
        )
    kubectl = [require_kubectl(), "--context", administrator]
    # In `make shell`, the workbook's kubeconfig replaces the administrator's.
    env = {"KUBECONFIG": own} if (own := kubeconfig.users()) != os.environ.get("KUBECONFIG", "") else {}
    shared = yaml.safe_load(read([*kubectl, "config", "view", "--minify", "--flatten"], env=env))
    # Namespaces without this label were not created here: classroom/learner.yaml sets it.
    others = [*kubectl, "get", "namespaces", "--selector=workbook!=learner", "-o", "jsonpath={.items[*].metadata.name}"]
    for learner in set(read(others, env=env).split()).intersection(learners):
        raise WorkbookError(
            f"The Namespace {learner!r} already exists, and was not created for a learner.",
            "A learner may change everything in the Namespace, and cleaning up after the class deletes it.",
            "Choose another name.",
        )
    run([*kubectl, "apply", "-f", str(MANIFESTS / "cluster.yaml")], env=env, show=True)
    for learner in learners:
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder, f"{learner}.yaml")
            manifest.write_text(
                (MANIFESTS / "learner.yaml").read_text(encoding="utf-8").replace("LEARNER", learner), encoding="utf-8"
            )
            run([*kubectl, "apply", "-f", str(manifest)], env=env, show=True)
        # The cluster may limit the token to a shorter time.
        command = [*kubectl, "create", "token", "workbook-learner", f"--namespace={learner}", "--duration=48h"]
        print(f"$ {typed(command)}", flush=True)
        path = HANDED_OUT / f"{learner}.kubeconfig"
        context = {"cluster": shared["clusters"][0]["name"], "user": learner, "namespace": learner}
        config = {key: shared[key] for key in ("apiVersion", "kind", "clusters")} | {
            "users": [{"name": learner, "user": {"token": read(command, env=env).strip()}}],
            "contexts": [{"name": learner, "context": context}],
            "current-context": learner,
        }
        kubeconfig.replace(path, yaml.safe_dump(config).encode())
        print(f"✓ {learner}: {path.relative_to(ROOT)}\n")
