"""What a diagnosis reads and returns: the evidence from the cluster, and the findings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from workbook.kube.objects import Object


@dataclass(frozen=True, repr=False)
class Finding:
    """A fault: the object, the reason as Kubernetes names it, the cause, and the fix."""

    subject: str
    reason: str
    why: str
    fix: str

    def __repr__(self) -> str:
        return f"✗ {self.subject}: {self.reason}\n  Why: {_indented(self.why)}\n  Do:  {_indented(self.fix)}"


class Diagnosis(list[Finding]):
    """The findings, shown as text; empty when nothing is wrong."""

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "✓ No problems found."


@dataclass(frozen=True)
class Evidence:
    """The facts for a diagnosis, as the API server returns them. Functions fetch what only some faults need."""

    pods: list[Object]  # to be examined, as are the ReplicaSets, StatefulSets, Deployments and Services
    replicasets: list[Object]
    statefulsets: list[Object]
    deployments: list[Object]
    services: list[Object]
    all_pods: list[Object]  # of the namespace: a Service may select Pods that are not examined
    events: list[Object]
    images: Callable[[], list[str]]  # the images on the nodes, such as `web-app:1.0`
    log: Callable[
        [str, str, bool], str
    ]  # the last lines of a Pod's container; True: of the run before its last restart
    name_servers: Callable[[], list[Object]]  # the Pods of the cluster's name service
    architectures: Callable[[Object, str], tuple[str, str]]  # of a Pod's node and of an image, such as `amd64`, or ""
    now: datetime


def _indented(text: str) -> str:
    return text.replace("\n", "\n       ")
