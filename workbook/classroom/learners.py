"""A class on one shared cluster: a Namespace for each learner, rights in it, and a kubeconfig to hand out."""

import os
import re
import tempfile
from pathlib import Path

import yaml

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import read, run, typed
from workbook.kube import kubeconfig

MANIFESTS = ROOT / "classroom"
HANDED_OUT = ROOT / "build" / "classroom"


def classroom(*learners: str) -> None:
    """Prepare the cluster whose context `WORKBOOK_CONTEXT` names: each learner gets a Namespace of that name.

    It needs the rights of an administrator, and writes build/classroom/NAME.kubeconfig for each learner: a secret. A
    second run renews their tokens.

    Raises:
        WorkbookError: `WORKBOOK_CONTEXT` is not set, a name is not valid or taken, or a command failed.

    Documentation: https://kubernetes.io/docs/concepts/security/multi-tenancy/
    """
    for learner in learners:
        if not re.fullmatch(r"[a-z]([-a-z0-9]{0,40}[a-z0-9])?", learner) or learner.endswith("-other"):
            raise WorkbookError(
                f"{learner!r} cannot be the name of a learner's Namespace.",
                "A name starts with a small letter, consists of small letters, digits and dashes, and does not end in `-other`.",
                "Choose a name such as learner-1.",
            )
    if not (administrator := os.environ.get("WORKBOOK_CONTEXT")):  # their current context is never used instead
        raise WorkbookError(
            "WORKBOOK_CONTEXT is not set.",
            "It names the context of the cluster on which you are an administrator.",
            "`kubectl config get-contexts` lists them.",
        )
    kubectl = ["kubectl", "--context", administrator]
    # In `make shell`, the workbook's kubeconfig has taken the place of the administrator's.
    env = {"KUBECONFIG": own} if (own := kubeconfig.users()) != os.environ.get("KUBECONFIG", "") else {}
    shared = yaml.safe_load(read([*kubectl, "config", "view", "--minify", "--flatten"], env=env))
    # Namespaces without this label were not made here: classroom/learner.yaml sets it.
    others = [*kubectl, "get", "namespaces", "--selector=workbook!=learner", "-o", "jsonpath={.items[*].metadata.name}"]
    for learner in set(read(others, env=env).split()).intersection(learners):
        raise WorkbookError(
            f"The Namespace {learner!r} exists already, and was not made for a learner.",
            "A learner may change everything in a Namespace, and cleaning up after the class deletes it.",
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
