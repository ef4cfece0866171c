"""A learner's kubeconfig, with a token that ends."""

from pathlib import Path

import yaml

from workbook.base.paths import ROOT
from workbook.classroom.administrator import Administrator
from workbook.kube import kubeconfig

HANDED_OUT = ROOT / "build" / "classroom"
VALID = "48h"
"""How long a token is valid, as kubectl reads it. The cluster may limit it to a shorter time."""


def file(learner: str) -> Path:
    """Return the path of a learner's kubeconfig."""
    return HANDED_OUT / f"{learner}.kubeconfig"


def hand_out(administrator: Administrator, learner: str) -> Path:
    """Write a kubeconfig with a new token for a learner; return its path. It contains nothing of the administrator.

    Raises:
        WorkbookError: kubectl failed.

    Documentation: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_create/kubectl_create_token/
    """
    shared = yaml.safe_load(administrator.read("config", "view", "--minify", "--flatten"))
    words = ("create", "token", "workbook-learner", f"--namespace={learner}", f"--duration={VALID}")
    token = administrator.read(*words, show=True).strip()
    context = {"cluster": shared["clusters"][0]["name"], "user": learner, "namespace": learner}
    config = {key: shared[key] for key in ("apiVersion", "kind", "clusters")} | {
        "users": [{"name": learner, "user": {"token": token}}],
        "contexts": [{"name": learner, "context": context}],
        "current-context": learner,
    }
    kubeconfig.replace(file(learner), yaml.safe_dump(config).encode())
    return file(learner)
