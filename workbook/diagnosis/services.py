"""Faults of Services: their endpoints, their ports, and the applications behind them."""

from collections.abc import Iterator

from workbook.diagnosis.containers import lasting
from workbook.diagnosis.events import events_of, version
from workbook.diagnosis.findings import Evidence, Finding
from workbook.diagnosis.images import repository
from workbook.diagnosis.workloads import owner_uid
from workbook.kube.objects import ENDED, Object, label_selector, name, ready, selects


def service_findings(service: Object, evidence: Evidence) -> Iterator[Finding]:
    """Faults of a Service: no external address, no endpoints, several applications, or a wrong target port."""
    spec, subject = service["spec"], f"Service {service['metadata']['name']}"
    if spec["type"] == "ExternalName":
        return
    if spec["type"] == "LoadBalancer" and not service["status"].get("loadBalancer", {}).get("ingress"):
        warnings = [event for event in events_of(service, evidence.events) if event.get("type") == "Warning"]
        message = str(max(warnings, key=version, default={}).get("message", ""))
        yield Finding(
            subject,
            "EXTERNAL-IP <pending>",
            f"{message.rstrip('.') or 'Nothing in this cluster provides load balancers, as a cloud does'}.",
            "Use its node port (`service_url(…)`), `port_forward(…)`, or with minikube `minikube tunnel` in a terminal.",
        )
    if not spec.get("selector"):  # other clients create its endpoints
        return
    selected = [pod for pod in evidence.all_pods if selects(service, pod)]
    if fault := _endpoints_fault(service, selected, evidence):
        yield Finding(subject, "no endpoints", *fault)
    yield from _mixed_findings(subject, label_selector(spec["selector"]), selected)
    if selected and spec.get("clusterIP") != "None":  # clients of a headless Service choose the port themselves
        yield from _port_findings(subject, service, selected)


def _endpoints_fault(service: Object, selected: list[Object], evidence: Evidence) -> tuple[str, str] | None:
    """Why a Service has no endpoints, and the fix; None if it has some."""
    selector = label_selector(service["spec"]["selector"])
    staying = [pod for pod in selected if "deletionTimestamp" not in pod["metadata"]]
    if any(map(ready, staying)) or (staying and service["spec"].get("publishNotReadyAddresses")):
        return None
    if not staying and (found := _workload(service, evidence)):
        kind, workload = found
        which = f"{kind.lower()}/{workload['metadata']['name']}"
        matches = f"Its selector {selector} matches the Pods of {which}"
        if workload["spec"]["replicas"]:
            return f"{matches}, but there are none.", f"See the findings about it, or `%kubectl describe {which}`."
        return f"{matches}, which has 0 Pods (`replicas: 0`).", f"Run `%kubectl scale --replicas=1 {which}`."
    if selected:
        return (
            f"Its selector {selector} matches {len(selected)} Pod(s), but none of them is ready.",
            "Fix the Pods first: see the findings about them.",
        )
    labels = [pod["metadata"].get("labels", {}) for pod in evidence.all_pods]
    own = ({key: value for key, value in each.items() if key != "pod-template-hash"} for each in labels)
    listed = "; ".join(sorted(set(map(label_selector, own)))) or "there are no Pods"
    return (
        f"Its selector is {selector}, and no Pod matches it.\nThe Pods' labels: {listed}.",
        "Correct the Service's `selector`, or the labels in the Pod template.",
    )


def _workload(service: Object, evidence: Evidence) -> tuple[str, Object] | None:
    """A workload whose Pods a Service selects, as in `("Deployment", {…})`; if possible, one that should have Pods."""
    alone = [item for item in evidence.replicasets if not owner_uid(item)]
    kinds = {"Deployment": evidence.deployments, "StatefulSet": evidence.statefulsets, "ReplicaSet": alone}
    found = [
        (kind, item) for kind, items in kinds.items() for item in items if selects(service, item["spec"]["template"])
    ]
    return max(found, key=lambda each: each[1]["spec"]["replicas"], default=None)


def _port_findings(subject: str, service: Object, selected: list[Object]) -> Iterator[Finding]:
    """The ports of a Service that lead to a port that none of its Pods declares."""
    specs = [spec for pod in selected for spec in lasting(pod)]
    ports = [(port, port.get("protocol", "TCP")) for spec in specs for port in spec.get("ports", [])]
    declared = {(port[key], protocol) for port, protocol in ports for key in ("containerPort", "name") if key in port}
    listed = ", ".join(sorted(_port(*each) for each in declared)) or "no ports"
    for port in service["spec"].get("ports", []):
        target, protocol = port.get("targetPort", port["port"]), port.get("protocol", "TCP")
        named = isinstance(target, str)
        if (target, protocol) in declared or (not named and (not declared or target in dict(declared))):
            continue
        # A program can listen at a port that its container does not declare; only names must be declared.
        certain = named or all(spec.get("ports") for spec in specs)
        yield Finding(
            subject,
            "wrong target port" if certain else "undeclared target port",
            f"Its port {port['port']} goes to port {_port(target, protocol if named else 'TCP')} of the Pods, but the Pods "
            f"declare {listed}.{'' if certain else ' A Pod can also use a port that it does not declare.'}",
            f"{'Correct' if certain else 'If no program listens at that port, correct'} `targetPort` in the Service's manifest.",
        )


def _port(port: int | str, protocol: str) -> str:
    return str(port) if protocol == "TCP" else f"{port} ({protocol})"


def _mixed_findings(subject: str, selector: str, selected: list[Object]) -> Iterator[Finding]:
    """The fault of a Service that sends the requests for one application to another one as well.

    Two versions of one application may share a Service: they differ in the tag of their image, or have one workload.
    """
    programs: dict[str, str] = {}
    workloads: dict[str, str] = {}  # the name of a workload → one of its programs
    for pod in selected:
        if "deletionTimestamp" in pod["metadata"] or pod["status"].get("phase") in ENDED:
            continue
        specs = pod["spec"]["containers"]
        program = sorted((repository(spec["image"]), spec.get("command", [])) for spec in specs)
        images = ", ".join(spec["image"] for spec in specs)
        owners = pod["metadata"].get("ownerReferences", [])
        numbered = (owner["name"] for owner in owners if owner["kind"] == "StatefulSet")
        workload = next(numbered, name(pod["metadata"]))
        programs.setdefault(workloads.setdefault(workload, repr(program)), f"{name(pod['metadata'])} ({images})")
    if len(programs) > 1:
        listed = "".join(f"\n- {pod}" for pod in sorted(programs.values()))
        yield Finding(
            subject,
            "several applications",
            f"Its selector {selector} matches Pods of different applications, and each request goes to any of them:{listed}",
            "Add a label that only the right Pods have to their template, and to the Service's `selector`.",
        )
