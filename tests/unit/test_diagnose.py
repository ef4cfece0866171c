"""Conclusions from objects that were recorded on a kind cluster: `kubectl get pods,replicasets,services,events -o yaml`.

The files in recorded/ hold only the fields that a conclusion may rest on. In out-of-memory.yaml, the reason was edited.
tests/cluster/test_diagnosis.py produces such failures again and checks what is said of them on the tests' cluster.
"""

import copy
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from workbook import diagnose
from workbook.base.errors import WorkbookError
from workbook.lessons import diagnose as module
from workbook.lessons.diagnose import Diagnosis, Evidence, Finding, findings
from workbook.lessons.kubectl import KubectlError

RECORDED = Path(__file__).with_name("recorded")
IMAGES = ["frontend:1.0", "web-app:2.0", "web-app:1.0"]
COMMAND = "Correct `command`, `args`, or the mounts in the manifest; or the program's path in the image."
EXITS = "Fix what the program complains about. Until then it is restarted, each time after a longer delay."
IMAGE = "Correct `image` in the manifest; or build it, and set `imagePullPolicy: Never` (notebook 02)."
NAMES = "Compare the name with `services()`: NAME for a Service of the same Namespace, NAME.NAMESPACE for another's."
PROBE = "Wait if it is still starting; else correct the probe's path and port, or the program."
PREEMPTION = (
    "no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
)

# The file, and what is concluded from it: the subject, the reason, why, and the fix.
FAILURES = {
    "image-never-pulled": (
        "Pod image-never-pulled",
        "ErrImageNeverPull",
        "The image web-app:9.9 is not on the node, and `imagePullPolicy: Never` forbids to fetch it. "
        "Of that name there is web-app:1.0, web-app:2.0.",
        "Build it and bring it to the node (notebook 02), or correct `image` in the manifest.",
    ),
    "image-pull-back-off": (
        "Pod image-pull-back-off",
        "ImagePullBackOff",
        "The image localhost:1/web-app:9.9 is not on the node, and no registry gave it.",
        IMAGE,
    ),
    "image-name-invalid": (
        "Pod image-name-invalid",
        "InvalidImageName",
        "The image web-app:1.O:2 is not on the node, and no registry gave it.",
        IMAGE,
    ),
    "exit-1": (
        "Pod exit-1",
        "CrashLoopBackOff",
        "The program ends by itself, with exit code 1. Its last lines were:\nopening settings\nthere are none",
        EXITS,
    ),
    "exit-0": (
        "Pod exit-0",
        "CrashLoopBackOff",
        "The program ends by itself, with exit code 0. It has printed nothing.",
        EXITS,
    ),
    "job-failed": (
        "Pod job-failed",
        "Error",
        "The program ends by itself, with exit code 3. Its last lines were:\nno input",
        EXITS,
    ),
    "restarted": (
        "Pod restarted",
        "Error",
        "The program ends by itself, with exit code 4. It has printed nothing.",
        EXITS,
    ),
    "name-unresolved": (
        "Pod name-unresolved",
        "Error",
        "The program ends by itself, with exit code 1, since a name does not resolve:\n"
        "urllib.error.URLError: <urlopen error [Errno -2] Name or service not known>",
        NAMES,
    ),
    "out-of-memory": (
        "Pod out-of-memory",
        "CrashLoopBackOff",
        "The program took more memory than its limit, and was killed for it.",
        "Raise `resources.limits.memory` in the manifest, or find out why it needs so much.",
    ),
    "program-missing": (
        "Pod program-missing",
        "RunContainerError",
        'The container cannot be made: "no-such-program": executable file not found in $PATH: unknown.',
        COMMAND,
    ),
    "config-missing": (
        "Pod config-missing",
        "CreateContainerConfigError",
        'The Pod names something that is not there: configmap "settings" not found.',
        "Make it, or correct its name in the manifest.",
    ),
    "cpu-insufficient": (
        "Pod cpu-insufficient",
        "Unschedulable",
        "No node has room for it: too little cpu and memory is left.",
        "Ask for less in `resources.requests`, delete other Pods, or give the cluster more.",
    ),
    "node-unmatched": (
        "Pod node-unmatched",
        "Unschedulable",
        "It wants a node with labels that no node has.",
        "Correct `nodeSelector` or `affinity` in the manifest; the nodes' labels: `%kubectl get nodes --show-labels`.",
    ),
    "host-port-taken": (
        "Pod host-port-taken",
        "Unschedulable",
        "Another Pod has the `hostPort` that it asks for, on each node.",
        "Leave out `hostPort`: a Service gives the Pods an address without one.",
    ),
    "claim-missing": (
        "Pod claim-missing",
        "Unschedulable",
        "It asks for a volume that is not there, or that no storage was found for.",
        "Look at `%kubectl get persistentvolumeclaims`: make the claim, or correct its name or its storage class.",
    ),
    "anti-affinity": (
        "Pod anti-affinity",
        "Unschedulable",
        f"0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules. {PREEMPTION}",
        "Look at `%kubectl describe nodes`.",
    ),
    "liveness-404": (
        "Pod liveness-404",
        "Unhealthy",
        "Its liveness probe fails (GET /health on port 5000), so the kubelet restarts the container.",
        "If the program is well: correct the probe's path and port, or give it a later `initialDelaySeconds`.",
    ),
    "readiness-404": (
        "Pod readiness-404",
        "Unhealthy",
        "The program runs, but its readiness probe (GET /health on port 5000) is answered with HTTP 404.",
        PROBE,
    ),
    "readiness-wrong-port": (
        "Pod readiness-wrong-port",
        "Unhealthy",
        "The program runs, but its readiness probe (GET / on port 5001) gets no answer.",
        PROBE,
    ),
    "readiness-tcp": (
        "Pod readiness-tcp",
        "Unhealthy",
        "The program runs, but its readiness probe (tcpSocket) gets no answer.",
        PROBE,
    ),
    "over-quota": (
        "ReplicaSet over-quota-*",
        "FailedCreate",
        'It may not make its Pods: pods "over-quota-7fff5f55b-cpvbc" is forbidden: exceeded quota: none, '
        "requested: pods=1, used: pods=22, limited: pods=0.",
        "Correct the Deployment's manifest, or the quota or policy that forbids it.",
    ),
    "selects-nothing": (
        "Service selects-nothing",
        "no endpoints",
        "It selects app=webap; no Pod has that label.\nThe Pods have: app=healthy.",
        "Correct the Service's `selector`, or the labels in the Pods' template.",
    ),
    "none-ready": (
        "Service none-ready",
        "no endpoints",
        "It selects app=readiness-404, which 1 Pod(s) have, but none of them is ready.",
        "See above what is wrong with the Pods.",
    ),
    "wrong-target-port": (
        "Service wrong-target-port",
        "wrong target port",
        "Its port 80 leads to port 5001 of the Pods, which say that they listen on 5000.",
        "Correct `targetPort` in the Service's manifest.",
    ),
    "load-balancer": (
        "Service load-balancer",
        "EXTERNAL-IP <pending>",
        "Nothing in this cluster gives out load balancers; a cloud would.",
        "Use its node port (`service_url(…)`), `port_forward(…)`, or on minikube `minikube tunnel` in a terminal.",
    ),
}
WELL = ["healthy", "external", "job-done"]


def recorded(name):
    return yaml.safe_load((RECORDED / f"{name}.yaml").read_text(encoding="utf-8"))


def concluded(record, **changes):
    """The findings on a record; `changes` are made to the evidence."""
    logs = record.get("log", {})
    pods = record.get("pods", [])
    evidence = {
        **{kind: record.get(kind, []) for kind in ("replicasets", "services", "events")},
        "pods": pods,
        "all_pods": pods,
        "images": lambda: IMAGES,
        "log": lambda pod, container, previous: logs.get("previous" if previous else "current", ""),
        "name_servers": lambda: recorded("healthy")["pods"],
        "now": datetime.fromisoformat(record["now"]),
    }
    return findings(Evidence(**{**evidence, **changes}))


def first_status(record):
    return record["pods"][0]["status"]["containerStatuses"][0]


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure(name):
    record = recorded(name)
    untouched = copy.deepcopy(record)
    *others, finding = concluded(record)
    assert finding == Finding(*FAILURES[name])
    assert [other.subject for other in others] == (["Pod readiness-404"] if name == "none-ready" else [])
    assert record == untouched


@pytest.mark.parametrize("name", WELL)
def test_nothing_is_wrong(name):
    assert repr(concluded(recorded(name))) == "✓ Nothing is wrong here."


def test_each_record_is_tested():
    assert {path.stem for path in RECORDED.iterdir()} == {*FAILURES, *WELL, "deployment"}


def test_pods_of_one_deployment_are_one_finding_unless_their_names_are_shown():
    record = recorded("deployment")
    (finding,) = concluded(record)
    assert finding.subject == "Pod deployment-*"
    evidence = Evidence(record["pods"], [], [], record["pods"], [], list, lambda *_: "", list, datetime.now())
    assert [finding.subject for finding in findings(evidence, wide=True)] == [
        "Pod deployment-778bbbb765-9z8sj",
        "Pod deployment-778bbbb765-x4dh4",
    ]
    assert "Of that name there is none." in findings(evidence)[0].why


def test_a_finding_as_text():
    assert repr(concluded(recorded("selects-nothing"))) == (
        "✗ Service selects-nothing: no endpoints\n"
        "  Why: It selects app=webap; no Pod has that label.\n"
        "       The Pods have: app=healthy.\n"
        "  Do:  Correct the Service's `selector`, or the labels in the Pods' template."
    )


def test_a_full_disk():
    record = recorded("node-unmatched")
    condition = record["pods"][0]["status"]["conditions"][0]
    condition["message"] = (
        "0/1 nodes are available: 1 node(s) had untolerated taint(s) {node.kubernetes.io/disk-pressure}."
    )
    (finding,) = concluded(record)
    assert (finding.why, finding.fix) == (
        "The disk of the node is full.",
        "Make room on it, such as with `docker system prune`.",
    )


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
def test_a_pod_that_starts_is_no_failure(reason):
    record = recorded("config-missing")
    first_status(record)["state"]["waiting"]["reason"] = reason
    assert not concluded(record)


def test_a_pod_that_is_being_deleted_is_no_failure():
    record = recorded("exit-1")
    record["pods"][0]["metadata"]["deletionTimestamp"] = record["now"]
    assert not concluded(record)


def test_a_program_that_cannot_be_started():
    record = recorded("program-missing")
    status = first_status(record)
    status["state"] = status["lastState"]  # as it is for a moment
    (finding,) = concluded(record)
    assert (finding.reason, finding.why, finding.fix) == (
        "StartError",
        'The container cannot be started: "no-such-program": executable file not found in $PATH: unknown.',
        COMMAND,
    )


def test_a_restarted_program_has_recovered_after_ten_seconds():
    record = recorded("restarted")
    begun = datetime.fromisoformat(first_status(record)["state"]["running"]["startedAt"])
    assert concluded(record, now=begun + timedelta(seconds=10))
    assert not concluded(record, now=begun + timedelta(seconds=11))


@pytest.mark.parametrize(
    ("started", "recovered"), [("2026-11-25T21:02:12Z", True), ("2026-11-25T21:02:13Z", False), (None, True)]
)
def test_a_program_that_has_run_for_long_before_recovers_at_once(started, recovered):
    record = recorded("restarted")
    first_status(record)["lastState"]["terminated"]["startedAt"] = started  # it ended at 21:02:23; null: it never ran
    assert concluded(record) is not recovered


def test_the_log_of_the_program_before_is_read_if_another_runs_now():
    record = recorded("restarted") | {"log": {"current": "still well", "previous": "disk full"}}
    assert concluded(record)[0].why.endswith("Its last lines were:\ndisk full")


def test_names_do_not_resolve_because_the_name_service_is_not_ready():
    record = recorded("name-unresolved")
    (finding,) = concluded(record, name_servers=lambda: recorded("readiness-404")["pods"])
    assert finding.fix == (
        "The cluster's name service is not ready: `pods(namespace='kube-system', selector='k8s-app=kube-dns')`."
    )
    assert concluded(record, name_servers=list)[0].fix == NAMES, "the name service cannot be seen"


def test_a_probe_of_another_container_is_named():
    record = recorded("readiness-404")
    record["pods"][0]["spec"]["containers"].insert(0, {"name": "sidecar", "image": "web-app:1.0"})
    assert "GET /health on port 5000" in concluded(record)[0].why
    del record["pods"][0]["spec"]["containers"][1]["readinessProbe"]
    assert "(unknown)" in concluded(record)[0].why


def test_a_service_without_pods_and_without_selector():
    record = recorded("selects-nothing")
    del record["services"][0]["spec"]["selector"]
    assert concluded(record, pods=[], all_pods=[])[0].why == (
        "It selects nothing; no Pod has that label.\nThe Pods have: there are none."
    )


def test_a_service_may_name_a_port():
    record = recorded("wrong-target-port")
    record["services"][0]["spec"]["ports"][0]["targetPort"] = "http"
    record["pods"][0]["spec"]["containers"][0]["ports"][0]["name"] = "web"
    (finding,) = concluded(record)
    assert "leads to port http of the Pods, which say that they listen on 5000, web." in finding.why
    record["services"][0]["spec"]["ports"][0]["targetPort"] = "web"
    assert not concluded(record)


class Api:
    """An API server with the recorded objects of several failures."""

    def __init__(self, *names):
        records = [recorded(name) for name in names]
        self.kinds = {
            kind: [item for record in records for item in record.get(kind, [])]
            for kind in ("pods", "services", "replicasets", "events")
        }

    def objects(self, resource, namespace=None, label_selector=""):
        if namespace == "kube-system":
            raise WorkbookError("The API server does not list pods.")
        key, _, value = label_selector.partition("=")
        return [
            item for item in self.kinds[resource] if not key or item["metadata"].get("labels", {}).get(key) == value
        ]


@pytest.fixture
def cluster(monkeypatch):
    """Uses the objects of these records; returns the function that does."""

    def use(*names):
        api = Api(*names)
        monkeypatch.setattr(module, "api", lambda: api)
        monkeypatch.setattr(module, "current", lambda: SimpleNamespace(images=lambda: ["web-app:3.0"]))

    return use


def test_diagnose_examines_the_whole_namespace(cluster):
    cluster("image-never-pulled", "over-quota", "load-balancer", "job-done")
    found = diagnose()
    assert [finding.reason for finding in found] == ["ErrImageNeverPull", "FailedCreate", "EXTERNAL-IP <pending>"]
    assert "there is web-app:3.0." in found[0].why


def test_diagnose_examines_what_a_selector_selects_and_the_services_that_lead_there(cluster):
    cluster("wrong-target-port", "selects-nothing", "image-never-pulled", "readiness-404", "none-ready", "over-quota")
    assert [finding.subject for finding in diagnose("app=healthy")] == ["Service wrong-target-port"]
    assert [finding.subject for finding in diagnose("app=readiness-404")] == ["Pod readiness-404", "Service none-ready"]


def test_diagnose_reads_logs(cluster, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "kubectl_output", lambda *args: asked.append(args) or "Name or service not known")
    cluster("exit-1")
    found = diagnose()
    assert asked == [("logs", "exit-1", "-c", "webapp", "--tail=5")]
    assert (found[0].why.splitlines()[-1], found[0].fix) == ("Name or service not known", NAMES)


def test_a_log_that_cannot_be_read_is_none(cluster, monkeypatch):
    def refuse(*args):
        raise KubectlError(args, 1, "forbidden")

    monkeypatch.setattr(module, "kubectl_output", refuse)
    cluster("exit-1")
    assert diagnose()[0].why.endswith("It has printed nothing.")


def test_a_diagnosis_is_a_list():
    assert Diagnosis() == [] and repr(Diagnosis()) == "✓ Nothing is wrong here."
