"""A class on one shared cluster: for each learner a Namespace, the rights in it, and a kubeconfig to hand out."""

import os
import re
import tempfile
from pathlib import Path

import yaml

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import run
from workbook.kube import kubeconfig

MANIFESTS = ROOT / "classroom"
HANDED_OUT = ROOT / "build" / "classroom"
ACCOUNT = "workbook-learner"
HOURS = 48
"""How long a learner's token is asked to be good for; the cluster may shorten it."""


def classroom(*learners: str) -> None:
    """Makes a place for each learner on the cluster whose context `WORKBOOK_CONTEXT` names; run again, it renews the tokens.

    Writes build/classroom/NAME.kubeconfig for each, which is a secret of that learner's. Needs an administrator's rights.

    Args:
        learners: names, each also that of the learner's Namespace.

    Raises:
        WorkbookError: no context or no learner is named, or this is no name.

    Documentation: https://kubernetes.io/docs/concepts/security/multi-tenancy/
    """
    _names(learners)
    admin = _Admin()
    admin.kubectl("apply", "-f", str(MANIFESTS / "cluster.yaml"))
    for learner in learners:
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder, f"{learner}.yaml")
            manifest.write_text((MANIFESTS / "learner.yaml").read_text().replace("LEARNER", learner))
            admin.kubectl("apply", "-f", str(manifest))
        token = admin.kubectl("create", "token", ACCOUNT, f"--namespace={learner}", f"--duration={HOURS}h").strip()
        path = HANDED_OUT / f"{learner}.kubeconfig"
        kubeconfig.replace(path, admin.handed_out(learner, token).encode())
        print(f"✓ {learner}: {path.relative_to(ROOT)}\n")


class _Admin:
    """kubectl with the rights of who teaches, on the context that is named, never on the current one."""

    def __init__(self) -> None:
        self.context = os.environ.get("WORKBOOK_CONTEXT")
        if not self.context:
            raise WorkbookError(
                "WORKBOOK_CONTEXT is not set.",
                "It names the context of the cluster on which you are an administrator.",
                "`kubectl config get-contexts` lists them.",
            )

    def kubectl(self, *words: str) -> str:
        """Runs kubectl and returns what it printed; shows the command, but never a token."""
        return run(["kubectl", "--context", self.context, *words], show=True)

    def handed_out(self, learner: str, token: str) -> str:
        """The kubeconfig of a learner: the cluster of this context, and that learner's token."""
        config = yaml.safe_load(run(["kubectl", "config", "view", "--minify", "--flatten", "--context", self.context]))
        (cluster,) = config["clusters"]
        config["users"] = [{"name": learner, "user": {"token": token}}]
        context = {"cluster": cluster["name"], "user": learner, "namespace": learner}
        config["contexts"] = [{"name": learner, "context": context}]
        config["current-context"] = learner
        return yaml.safe_dump(config)


def _names(learners: tuple[str, ...]) -> None:
    for learner in learners:
        if not re.fullmatch(r"[a-z]([-a-z0-9]{0,40}[a-z0-9])?", learner) or learner.endswith("-other"):
            raise WorkbookError(
                f"{learner!r} cannot be the name of a learner's Namespace.",
                "Names begin with a small letter, and have small letters, digits and dashes.",
                "Such as learner-1.",
            )
    if not learners:
        raise WorkbookError("No learner is named.", fix="Name them: `make classroom ARGS='learner-1 learner-2'`.")
