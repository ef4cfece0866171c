"""Draw conclusions from the evidence. Nothing here reads the cluster."""

from workbook.diagnosis.findings import Diagnosis, Evidence, Finding
from workbook.diagnosis.pods import pod_fault
from workbook.diagnosis.services import service_findings
from workbook.diagnosis.workloads import failed_create, owner_uid, refused_fault, replica_fault, rollout_fault
from workbook.kube.objects import name


def findings(evidence: Evidence, *, wide: bool = False) -> Diagnosis:
    """Draw conclusions from the evidence: at most one finding per Pod, then ReplicaSets, StatefulSets, Deployments and Services.

    There is a finding for each Pod that is not ready, except for Pods that are being deleted or that have ended well.

    Args:
        evidence: facts read from the cluster.
        wide: as in `diagnose`.
    """
    found: list[Finding] = []
    hindered: set[str] = set()  # UIDs of the ReplicaSets with a finding about them or their Pods
    for pod in evidence.pods:
        if fault := pod_fault(pod, evidence):
            found.append(Finding(f"Pod {name(pod['metadata'], full=wide)}", *fault))
            if fault[0] != "NotReady":  # which may still change
                hindered.add(owner_uid(pod))
    for replicaset in evidence.replicasets:
        for entry in replicaset.get("status", {}).get("conditions", []):
            if entry["type"] == "ReplicaFailure":  # the condition has the message at once; the event may come later
                subject = f"ReplicaSet {name(replicaset['metadata'], full=wide)}"
                found.append(Finding(subject, entry["reason"], *replica_fault(entry)))
                hindered.add(replicaset["metadata"]["uid"])
    for statefulset in evidence.statefulsets:
        if message := failed_create(statefulset, evidence.events):
            subject = f"StatefulSet {statefulset['metadata']['name']}"
            found.append(Finding(subject, "FailedCreate", *refused_fault(message)))
    for deployment in evidence.deployments:
        if fault := rollout_fault(deployment, evidence.replicasets, hindered):
            found.append(Finding(f"Deployment {deployment['metadata']['name']}", *fault))
    for service in evidence.services:
        found += service_findings(service, evidence)
    return Diagnosis(dict.fromkeys(found))  # Pods of one Deployment often have the same finding
