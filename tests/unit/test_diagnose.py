"""Conclusions from objects recorded on a kind cluster: `kubectl get pods,replicasets,deployments,services,events -o yaml`.

The files in recorded/ only have the fields that a conclusion may use. In out-of-memory.yaml, the reason was edited.
tests/cluster/test_diagnosis.py produces such failures again on the tests' cluster, and checks their findings.
"""

import copy
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from docker.errors import ImageNotFound

from workbook import diagnose
from workbook.base.errors import WorkbookError
from workbook.diagnosis.conclusions import findings
from workbook.diagnosis.findings import Diagnosis, Evidence, Finding
from workbook.lessons import diagnose as module
from workbook.lessons.kubectl import KubectlError

RECORDED = Path(__file__).with_name("recorded")
IMAGES = ["frontend:1.0", "web-app:2.0", "web-app:1.0"]
COMMAND = "Correct `command`, `args` or the mounts in the manifest, or the program's path in the image."
EXITS = "Fix what the program complains about. Until then it is restarted, each time after a longer delay."
IMAGE = "Correct `image` in the manifest, or build the image and set `imagePullPolicy: Never` (notebook 02)."
NAMES = (
    "Compare the name with `services()`: NAME for a Service in the same Namespace, NAME.NAMESPACE for one in another."
)
MEMORY = "Raise `resources.limits.memory` in the manifest, or find out why the program needs so much."
CLAIMS = "Look at `%kubectl get persistentvolumeclaims`: create the claim, or correct its name or its storage class."
TEMPLATE = (
    "Correct these fields in the Pod template. Or, if you are allowed to, set a less strict level in the "
    "Namespace's label `pod-security.kubernetes.io/enforce`."
)
FAILED = "Correct what the message names in the manifest, and delete the Pod: a failed Pod is not restarted."
PROBE = "Wait if it is still starting. Otherwise correct the probe's path and port, or the program."
PREEMPTION = (
    "no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
)

# The file, and the finding for it: the subject, the reason, the cause, and the fix.
FAILURES = {
    "image-never-pulled": (
        "Pod image-never-pulled",
        "ErrImageNeverPull",
        "The image web-app:9.9 is not on the node, and `imagePullPolicy: Never` does not allow pulling it. "
        "With that name, the node has web-app:1.0, web-app:2.0.",
        "Build it and load it onto the node (notebook 02), or correct `image` in the manifest.",
    ),
    "image-pull-back-off": (
        "Pod image-pull-back-off",
        "ImagePullBackOff",
        "The image localhost:1/web-app:9.9 is not on the node, and no registry provided it.",
        IMAGE,
    ),
    "image-name-invalid": (
        "Pod image-name-invalid",
        "InvalidImageName",
        "The image web-app:1.O:2 is not on the node, and no registry provided it.",
        IMAGE,
    ),
    "exit-1": (
        "Pod exit-1",
        "CrashLoopBackOff",
        "The program exits with code 1. Its last lines were:\nopening settings\nthere are none",
        EXITS,
    ),
    "exit-0": (
        "Pod exit-0",
        "CrashLoopBackOff",
        "The program exits with code 0. It has printed nothing.",
        EXITS,
    ),
    "job-failed": (
        "Pod job-failed",
        "Error",
        "The program exits with code 3. Its last lines were:\nno input",
        "Fix what the program complains about.",
    ),
    "restarted": (
        "Pod restarted",
        "Error",
        "The program exits with code 4. It has printed nothing.",
        EXITS,
    ),
    "name-unresolved": (
        "Pod name-unresolved",
        "Error",
        "The program exits with code 1. It cannot resolve a name:\n"
        "urllib.error.URLError: <urlopen error [Errno -2] Name or service not known>",
        NAMES,
    ),
    "out-of-memory": (
        "Pod out-of-memory",
        "CrashLoopBackOff",
        "The program was killed because it used more memory than its limit.",
        "Raise `resources.limits.memory` in the manifest, or find out why the program needs so much.",
    ),
    "program-missing": (
        "Pod program-missing",
        "RunContainerError",
        'The container cannot be created: "no-such-program": executable file not found in $PATH: unknown.',
        COMMAND,
    ),
    "config-missing": (
        "Pod config-missing",
        "CreateContainerConfigError",
        'The Pod refers to something that does not exist: configmap "settings" not found.',
        "Create it, or correct its name in the manifest.",
    ),
    "cpu-insufficient": (
        "Pod cpu-insufficient",
        "Unschedulable",
        "No node has enough cpu and memory left for it.",
        "Lower `resources.requests`, delete other Pods, or give the cluster more resources.",
    ),
    "gpu-missing": (
        "Pod gpu-missing",
        "Unschedulable",
        "No node has enough example.com/gpu left for it.",
        "Leave it out of `resources` in the manifest, or add a node that has it.",
    ),
    "node-unmatched": (
        "Pod node-unmatched",
        "Unschedulable",
        "It requires node labels that no node has.",
        "Correct `nodeSelector` or `affinity` in the manifest. See the nodes' labels: `%kubectl get nodes --show-labels`.",
    ),
    "host-port-taken": (
        "Pod host-port-taken",
        "Unschedulable",
        "On each node, another Pod already uses its `hostPort`.",
        "Leave out `hostPort`: clients can reach the Pods through a Service instead.",
    ),
    "claim-missing": (
        "Pod claim-missing",
        "Unschedulable",
        "It uses a PersistentVolumeClaim that does not exist, or that has no volume.",
        "Look at `%kubectl get persistentvolumeclaims`: create the claim, or correct its name or its storage class.",
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
        "If the program works, correct the probe's path and port, or raise its `initialDelaySeconds`.",
    ),
    "readiness-404": (
        "Pod readiness-404",
        "Unhealthy",
        "The program runs, but its readiness probe (GET /health on port 5000) gets HTTP 404.",
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
    "init-exit-1": (
        "Pod init-exit-1",
        "Error",
        "The program of the init container prepare exits with code 1, so the Pod's containers do not "
        "start. Its last lines were:\nno database",
        EXITS,
    ),
    "init-failed": (
        "Pod init-failed",
        "Error",
        "The program of the init container prepare exits with code 1, so the Pod's containers do not "
        "start. Its last lines were:\nno database",
        "Fix what the program complains about.",
    ),
    "init-waits": (
        "Pod init-waits",
        "PodInitializing",
        "The program of the init container prepare is still running, and the Pod's containers start only after it has finished. "
        "Its last lines were:\nwaiting for the database",
        "Wait if it is still preparing something. Otherwise provide what it waits for, or correct its command.",
    ),
    "init-image-missing": (
        "Pod init-image-missing",
        "ErrImageNeverPull",
        "The image web-app:9.9 is not on the node, and `imagePullPolicy: Never` does not allow pulling it. "
        "With that name, the node has web-app:1.0, web-app:2.0.",
        "Build it and load it onto the node (notebook 02), or correct `image` in the manifest.",
    ),
    "init-out-of-memory": (
        "Pod init-out-of-memory",
        "OOMKilled",
        "The program of the init container prepare was killed because it used more memory than its limit.",
        MEMORY,
    ),
    "sidecar-ends": (
        "Pod sidecar-ends",
        "Completed",
        "The program of the init container prepare exits with code 0. Its last lines were:\nno log file",
        EXITS,
    ),
    "secret-missing": (
        "Pod secret-missing",
        "FailedMount",
        'The volume "data" cannot be mounted: secret "passwords" not found.',
        "Create what the volume refers to, or correct `volumes` in the manifest. With `optional: true`, the Pod starts "
        "without it.",
    ),
    "config-key-missing": (
        "Pod config-key-missing",
        "FailedMount",
        'The volume "data" cannot be mounted: configmap references non-existent config key: a.',
        "Create what the volume refers to, or correct `volumes` in the manifest. With `optional: true`, the Pod starts "
        "without it.",
    ),
    "host-path-missing": (
        "Pod host-path-missing",
        "FailedMount",
        'The volume "data" cannot be mounted: hostPath type check failed: /nowhere is not a directory.',
        "Create what the volume refers to, or correct `volumes` in the manifest.",
    ),
    "memory-too-little": (
        "Pod memory-too-little",
        "FailedCreatePodSandBox",
        "Its memory limit is too low to start a container.",
        MEMORY,
    ),
    "run-as-root": (
        "Pod run-as-root",
        "CreateContainerConfigError",
        "It must not run as root, but no other user is set: container has runAsNonRoot and image will run as root.",
        "Set `runAsUser` under `securityContext`, or `USER` in the Dockerfile, to a number above 0.",
    ),
    "claim-pending": (
        "Pod claim-pending",
        "Unschedulable",
        "It uses a PersistentVolumeClaim that does not exist, or that has no volume.",
        CLAIMS,
    ),
    "claim-unprovisioned": (
        "Pod claim-unprovisioned",
        "Unschedulable",
        "It uses a PersistentVolumeClaim that does not exist, or that has no volume.",
        CLAIMS,
    ),
    "gated": (
        "Pod gated",
        "SchedulingGated",
        "It is not scheduled until its scheduling gates are removed: example.com/quota, example.com/review.",
        "A gate is removed by its controller. If there is none, leave `schedulingGates` out of the manifest.",
    ),
    "no-scheduler": (
        "Pod no-scheduler",
        "Pending",
        "Its scheduler has not handled it: 'nobody'.",
        "Leave `schedulerName` out of the manifest, or find out why that scheduler does not run: "
        "`pods(namespace='kube-system')`.",
    ),
    "out-of-cpu": (
        "Pod out-of-cpu",
        "OutOfcpu",
        "It has failed permanently: Pod was rejected: Node didn't have enough resource: cpu, requested: 9000000, "
        "used: 850, capacity: 2000.",
        FAILED,
    ),
    "deadline": (
        "Pod deadline",
        "DeadlineExceeded",
        "It has failed permanently: Pod was active on the node longer than the specified deadline.",
        FAILED,
    ),
    "pull-always": (
        "Pod pull-always",
        "ErrImagePull",
        "The image web-app:1.0 is on the node, but `imagePullPolicy: Always` requests it from a registry before each "
        "start, and no registry provided it.",
        "Set `imagePullPolicy: Never` in the manifest (notebook 02), or push the image to a registry.",
    ),
    "architecture": (
        "Pod architecture",
        "Error",
        "The image hello:arm64 is for arm64, but the node is amd64.",
        "Build it for the node (`docker build --platform linux/amd64 …`), or use another image.",
    ),
    "platform-unmatched": (
        "Pod platform-unmatched",
        "ErrImagePull",
        "The image localhost:5000/hello:1.0 has no program for the node's architecture, amd64.",
        "Build it for the node (`docker build --platform linux/amd64 …`), or use another image.",
    ),
    "killed": (
        "Pod killed",
        "Error",
        "The program was killed (exit code 137), probably because it used more memory than its limit of 32Mi. "
        "It has printed nothing.",
        MEMORY,
    ),
    "startup-404": (
        "Pod startup-404",
        "Unhealthy",
        "Its startup probe fails (GET /health on port 5000), so the kubelet restarts the container.",
        "If the program works, correct the probe's path and port, or raise its `initialDelaySeconds`.",
    ),
    "unwritable": (
        "Pod unwritable",
        "RunContainerError",
        "The container cannot be created: failed to create containerd task: failed to create shim task: OCI runtime create "
        "failed: runc create failed: unable to start container process: error during container init: error mounting "
        '"/var/lib/kubelet/pods/uid-of-unwritable/volumes/kubernetes.io~empty-dir/data" to rootfs at "/app/app.py": mount '
        "/var/lib/kubelet/pods/uid-of-unwritable/volumes/kubernetes.io~empty-dir/data:/app/app.py (via "
        "/proc/self/fd/6), flags: 0x5000: not a directory: unknown.",
        COMMAND,
    ),
    "policy-restricted": (
        "ReplicaSet restricted-*",
        "FailedCreate",
        'It may not create its Pods: each violates PodSecurity "restricted:latest":\n'
        '- allowPrivilegeEscalation != false (container "web-app" must set '
        "securityContext.allowPrivilegeEscalation=false)\n"
        '- unrestricted capabilities (container "web-app" must set securityContext.capabilities.drop=["ALL"])\n'
        '- runAsNonRoot != true (pod or container "web-app" must set securityContext.runAsNonRoot=true)\n'
        '- seccompProfile (pod or container "web-app" must set securityContext.seccompProfile.type to "RuntimeDefault" '
        'or "Localhost")',
        TEMPLATE,
    ),
    "policy-baseline": (
        "ReplicaSet on-host-*",
        "FailedCreate",
        'It may not create its Pods: each violates PodSecurity "baseline:latest":\n'
        "- host namespaces (hostNetwork=true)\n"
        '- hostPort (container "webapp" uses hostPort 5000)',
        TEMPLATE,
    ),
    "limit-range": (
        "ReplicaSet too-large-*",
        "FailedCreate",
        'It may not create its Pods: pods "too-large-5fddbdb584-v48pd" is forbidden: [maximum cpu usage per Container is '
        "100m, but limit is 200m, maximum memory usage per Container is 64Mi, but limit is 128Mi].",
        "Correct the Deployment's manifest, or the quota or policy that does not allow it.",
    ),
    "over-quota": (
        "ReplicaSet over-quota-*",
        "FailedCreate",
        "It may not create its Pods, because of the quota none. Needed: pods=1. Used: pods=22. Allowed: pods=0.",
        "Delete what you no longer need, or lower `replicas` or `resources` in the manifest. "
        "`%kubectl describe quota none` shows what is used; the cluster's administrator can raise it.",
    ),
    "selects-nothing": (
        "Service selects-nothing",
        "no endpoints",
        "Its selector is app=webap, and no Pod matches it.\nThe Pods' labels: app=healthy.",
        "Correct the Service's `selector`, or the labels in the Pod template.",
    ),
    "none-ready": (
        "Service none-ready",
        "no endpoints",
        "Its selector app=readiness-404 matches 1 Pod(s), but none of them is ready.",
        "Fix the Pods first: see the findings about them.",
    ),
    "wrong-target-port": (
        "Service wrong-target-port",
        "wrong target port",
        "Its port 80 goes to port 5001 of the Pods, but the Pods declare 5000.",
        "Correct `targetPort` in the Service's manifest.",
    ),
    "load-balancer": (
        "Service load-balancer",
        "EXTERNAL-IP <pending>",
        "Nothing in this cluster provides load balancers, as a cloud does.",
        "Use its node port (`service_url(…)`), `port_forward(…)`, or with minikube `minikube tunnel` in a terminal.",
    ),
}
CURRENT = "Of 1 Pod(s) of its current revision, 0 are available."
BEFORE = "1 Pod(s) of an earlier revision still serve."
CURRENT_FIX = "Fix the Pods of the current revision: see the findings about them."

# The file, and what was found about the Deployment: the reason, the cause, and the fix.
ROLLOUTS = {
    "rollout-stuck": (
        "ProgressDeadlineExceeded",
        f"Its rollout is stuck: no progress for 10 s (`progressDeadlineSeconds`). {CURRENT} {BEFORE}",
        f"{CURRENT_FIX} Or go back to the revision before it: `%kubectl rollout undo deployment/rollout-stuck`.",
    ),
    "rollout-stuck-at-once": (
        "ProgressDeadlineExceeded",
        f"Its rollout is stuck: no progress for 10 s (`progressDeadlineSeconds`). {CURRENT}",
        CURRENT_FIX,
    ),
    "rollout-unfinished": (
        "rollout not finished",
        f"{CURRENT} {BEFORE} Without progress for 600 s (`progressDeadlineSeconds`), the rollout counts as stuck.",
        f"{CURRENT_FIX} Or go back to the revision before it: `%kubectl rollout undo deployment/rollout-unfinished`.",
    ),
    "rollout-paused": (
        "DeploymentPaused",
        "Its rollout is paused, so its Pods are not replaced by Pods of the current template.",
        "Continue it: `%kubectl rollout resume deployment/rollout-paused`.",
    ),
}
WELL = ["healthy", "external", "job-done", "init-done", "secret-optional"]


def recorded(name):
    return yaml.safe_load((RECORDED / f"{name}.yaml").read_text(encoding="utf-8"))


def concluded(record, *, wide=False, **changes):
    """The findings on a record; `changes` are made to the evidence."""
    logs = record.get("log", {})
    pods = record.get("pods", [])
    evidence = {
        **{kind: record.get(kind, []) for kind in ("replicasets", "statefulsets", "deployments", "services", "events")},
        "pods": pods,
        "all_pods": pods,
        "images": lambda: IMAGES,
        "log": lambda pod, container, previous: logs.get("previous" if previous else "current", ""),
        "name_servers": lambda: recorded("healthy")["pods"],
        "architectures": lambda pod, image: ("amd64", "arm64" if image == "hello:arm64" else ""),
        "now": datetime.fromisoformat(record["now"]),
    }
    return findings(Evidence(**{**evidence, **changes}), wide=wide)


def first_status(record):
    return record["pods"][0]["status"]["containerStatuses"][0]


def only_unready(record, **changes):
    """The stage at which a Pod is that is not ready, although nothing has failed."""
    (finding,) = concluded(record, **changes)
    assert finding.reason == "NotReady" and finding.fix.startswith("Wait some seconds, and run `diagnose` again.")
    before, _, stage = finding.why.partition(": ")
    assert before == "It is not ready, and nothing has failed so far"
    return stage.removesuffix(".")


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
    assert repr(concluded(recorded(name))) == "✓ No problems found."


@pytest.mark.parametrize("name", FAILURES)
def test_an_event_without_a_reason_is_no_error(name):
    """Any client may write such an event: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/."""
    record = recorded(name)
    objects = [item for kind in ("pods", "replicasets", "statefulsets") for item in record.get(kind, [])]
    for item in objects:
        metadata = {"name": "a", "resourceVersion": "999999999"}
        involved = {"uid": item["metadata"]["uid"]}
        record["events"] = [*record.get("events", []), {"metadata": metadata, "involvedObject": involved}]
    concluded(record)


def test_each_record_is_tested():
    assert {path.stem for path in RECORDED.iterdir()} == {*FAILURES, *ROLLOUTS, *WELL, "deployment"}


@pytest.mark.parametrize("name", ROLLOUTS)
def test_a_rollout_that_does_not_finish(name):
    *pods, finding = concluded(recorded(name))
    assert finding == Finding(f"Deployment {name}", *ROLLOUTS[name])
    assert [pod.subject for pod in pods] == ([] if name == "rollout-paused" else [f"Pod {name}-*"])


def progressing(record):
    """The condition that reports the progress of a rollout."""
    return next(each for each in record["deployments"][0]["status"]["conditions"] if each["type"] == "Progressing")


def test_a_rollout_that_may_still_finish_is_no_failure():
    record = recorded("rollout-unfinished") | {"events": []}
    assert [finding.reason for finding in concluded(record)] == ["NotReady"], "its Pod has not failed so far"
    assert not concluded(record | {"pods": []})


def test_a_rollout_that_a_quota_stops():
    record = recorded("rollout-unfinished") | {"pods": [], "events": []}
    refused = recorded("over-quota")["replicasets"][0]["status"]["conditions"]
    record["replicasets"][1]["status"]["conditions"] = refused
    assert [finding.reason for finding in concluded(record)] == ["FailedCreate", "rollout not finished"]


def test_a_first_rollout_that_waits_has_only_the_finding_about_its_pod():
    record = recorded("rollout-stuck-at-once")
    progressing(record).update(reason="ReplicaSetUpdated", status="True")
    assert [finding.subject for finding in concluded(record)] == ["Pod rollout-stuck-at-once-*"]


def test_after_an_undo_the_deadline_that_was_exceeded_is_no_failure():
    """Kubernetes removes the condition only when the Pods of the other revision are gone."""
    record = recorded("rollout-stuck") | {"pods": recorded("rollout-stuck")["pods"][:1]}
    old, new = record["replicasets"]
    old["metadata"]["annotations"], new["metadata"]["annotations"] = (
        {"deployment.kubernetes.io/revision": "3"},
        old["metadata"]["annotations"],
    )
    record["deployments"][0]["metadata"]["annotations"] = old["metadata"]["annotations"]
    assert not concluded(record)


def test_a_status_that_is_about_an_earlier_template_says_nothing():
    record = recorded("rollout-stuck") | {"pods": []}
    record["deployments"][0]["metadata"]["generation"] += 1
    assert not concluded(record)


def test_a_paused_deployment_whose_pods_have_its_template_is_no_failure():
    record = recorded("rollout-paused")
    record["deployments"][0]["status"]["updatedReplicas"] = 1
    assert not concluded(record)


def test_a_replicaset_without_a_deployment_belongs_to_no_rollout():
    record = recorded("rollout-stuck") | {"pods": []}
    for replicaset in record["replicasets"]:
        del replicaset["metadata"]["ownerReferences"]
    assert not concluded(record)


def test_pods_of_one_deployment_are_one_finding_unless_their_names_are_shown():
    record = recorded("deployment")
    (finding,) = concluded(record)
    assert finding.subject == "Pod deployment-*"
    assert [finding.subject for finding in concluded(record, wide=True)] == [
        "Pod deployment-778bbbb765-9z8sj",
        "Pod deployment-778bbbb765-x4dh4",
    ]
    assert "With that name, the node has no image." in concluded(record, images=list)[0].why


def test_a_finding_as_text():
    assert repr(concluded(recorded("selects-nothing"))) == (
        "✗ Service selects-nothing: no endpoints\n"
        "  Why: Its selector is app=webap, and no Pod matches it.\n"
        "       The Pods' labels: app=healthy.\n"
        "  Do:  Correct the Service's `selector`, or the labels in the Pod template."
    )


def test_a_full_disk():
    record = recorded("node-unmatched")
    condition = record["pods"][0]["status"]["conditions"][0]
    condition["message"] = (
        "0/1 nodes are available: 1 node(s) had untolerated taint(s) {node.kubernetes.io/disk-pressure}."
    )
    (finding,) = concluded(record)
    assert (finding.why, finding.fix) == (
        "The node's disk is full.",
        "Free some space on the node, for example with `docker system prune`.",
    )


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
def test_a_pod_that_starts_is_only_not_ready(reason):
    record = recorded("config-missing")
    first_status(record)["state"]["waiting"]["reason"] = reason
    assert only_unready(record) == f"the container webapp is waiting ({reason})"


def test_a_volume_that_was_mounted_after_all_is_no_failure():
    record = recorded("secret-missing")
    mounted = {"metadata": {"resourceVersion": "999999"}, "reason": "Pulling", "message": "Pulling image"}
    record["events"].append(record["events"][0] | mounted)
    assert only_unready(record) == "the container webapp is waiting (ContainerCreating)"


def test_a_volume_is_mounted_when_another_container_starts():
    record = recorded("secret-missing")
    other = {"uid": record["events"][0]["involvedObject"]["uid"], "fieldPath": "spec.containers{b}"}
    pulling = {"metadata": {"resourceVersion": "999999"}, "reason": "Pulling", "involvedObject": other}
    record["events"].append(record["events"][0] | pulling)
    assert only_unready(record) == "the container webapp is waiting (ContainerCreating)"


def test_a_wait_for_a_volume_that_timed_out_is_explained_by_its_cause():
    record = recorded("secret-missing")
    message = "Unable to attach or mount volumes: unmounted volumes=[data]: timed out waiting for the condition"
    later = {"metadata": {"resourceVersion": "999999"}, "message": message}
    record["events"].append(record["events"][0] | later)
    assert concluded(record)[0].why == FAILURES["secret-missing"][2]
    record["events"] = record["events"][1:]
    assert concluded(record)[0].why == f"{message}."


def init_status(record):
    return record["pods"][0]["status"]["initContainerStatuses"][0]


def test_an_init_container_that_begins_again_waits_for_its_back_off():
    record = recorded("init-exit-1")
    init_status(record)["lastState"] = init_status(record)["state"]
    init_status(record)["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}
    (finding,) = concluded(record)
    assert (finding.reason, finding.why) == ("CrashLoopBackOff", FAILURES["init-exit-1"][2])


def test_an_init_container_that_has_begun_is_no_failure_yet():
    record = recorded("init-waits")
    begun = datetime.fromisoformat(init_status(record)["state"]["running"]["startedAt"])
    soon = begun + timedelta(seconds=10)
    assert only_unready(record, now=soon) == "the container prepare is running, but not ready"
    assert concluded(record, now=begun + timedelta(seconds=11))[0].reason == "PodInitializing"


def test_what_an_init_container_did_before_it_succeeded_is_no_failure():
    record = recorded("init-done")
    init_status(record)["lastState"] = recorded("init-exit-1")["pods"][0]["status"]["initContainerStatuses"][0]["state"]
    assert not concluded(record)


def test_a_sidecar_that_runs_is_no_failure():
    record = recorded("init-waits")
    record["pods"][0]["spec"]["initContainers"][0]["restartPolicy"] = "Always"
    init_status(record)["ready"] = True
    assert only_unready(record) == "the container webapp is waiting (PodInitializing)"


def test_the_name_of_a_container_that_waits_is_its_own():
    """Two containers may wait for the same reason."""
    record = recorded("image-never-pulled")
    pod = record["pods"][0]
    pod["spec"]["containers"].append(pod["spec"]["containers"][0] | {"name": "second", "image": "frontend:9.9"})
    pod["status"]["containerStatuses"].insert(0, copy.deepcopy(first_status(record)) | {"name": "second"})
    assert "frontend:9.9" in concluded(record)[0].why


@pytest.mark.parametrize(
    ("reason", "message"),
    [("SchedulerError", "binding volumes: context deadline exceeded"), ("Unschedulable", "no nodes available")],
)
def test_a_pod_without_a_node_for_another_reason(reason, message):
    record = recorded("gated")
    record["pods"][0]["status"]["conditions"][0].update(reason=reason, message=message)
    (finding,) = concluded(record)
    assert (finding.reason, finding.why, finding.fix) == (reason, message, "Look at `%kubectl describe nodes`.")


def test_a_pod_that_has_just_been_created_waits_for_its_scheduler():
    record = recorded("no-scheduler")
    created = datetime.fromisoformat(record["pods"][0]["metadata"]["creationTimestamp"])
    assert only_unready(record, now=created + timedelta(seconds=10)) == "it is waiting for a node"


def test_the_policy_that_fetches_an_image_is_also_a_default():
    record = recorded("pull-always")
    record["pods"][0]["spec"]["containers"][0]["image"] = "web-app"
    assert concluded(record)[0].why == "The image web-app is not on the node, and no registry provided it."
    (finding,) = concluded(record, images=lambda: ["web-app:latest"])
    assert finding.why == (
        "The image web-app is on the node, but `imagePullPolicy: Always`, the default for the tag `latest`, requests "
        "it from a registry before each start, and no registry provided it."
    )


@pytest.mark.parametrize("image", ["docker.io/library/web-app:1.0", "docker.io/web-app:1.0"])
def test_an_image_on_the_node_by_its_full_name(image):
    record = recorded("pull-always")
    record["pods"][0]["spec"]["containers"][0]["image"] = image
    assert f"The image {image} is on the node, but" in concluded(record)[0].why


def test_an_image_that_may_be_fetched_and_is_not_on_the_node():
    assert concluded(recorded("pull-always"), images=list)[0].why == (
        "The image web-app:1.0 is not on the node, and no registry provided it."
    )


OTHER = "The image hello:arm64 has no program for the node's architecture"


@pytest.mark.parametrize(
    ("node", "image", "why"),
    [
        ("amd64", "", f"{OTHER}, amd64."),
        ("", "arm64", f"{OTHER}."),
        ("", "", f"{OTHER}."),
        (
            "amd64",
            "amd64",
            "The image hello:arm64 is for amd64, like the node, but its program is for another architecture, "
            "or is a script that does not name its interpreter.",
        ),
    ],
)
def test_an_architecture_that_is_not_known_or_not_the_cause(node, image, why):
    (finding,) = concluded(recorded("architecture"), architectures=lambda *_: (node, image))
    assert finding.why == why


@pytest.mark.parametrize(
    "message",
    [
        "no matching manifest for linux/amd64 in the manifest list entries",  # Docker
        'choosing image instance: no image found in image index for architecture "amd64", variant "", OS "linux"',  # CRI-O
    ],
)
def test_an_image_for_another_platform_as_other_runtimes_report_it(message):
    record = recorded("pull-always")
    first_status(record)["state"]["waiting"]["message"] = message
    assert concluded(record)[0].why == "The image web-app:1.0 has no program for the node's architecture, amd64."


def test_an_image_for_another_platform_during_the_back_off_of_an_older_kubelet():
    record = recorded("platform-unmatched")
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "localhost:5000/hello:1.0"'}
    first_status(record)["state"]["waiting"] = waiting
    assert concluded(record)[0].why == FAILURES["platform-unmatched"][2]


def test_a_program_for_another_architecture_that_the_runtime_refuses():
    record = recorded("program-missing")
    first_status(record)["state"]["waiting"]["message"] = 'exec: "/hello": exec format error: unknown'
    assert concluded(record)[0].why == "The image web-app:1.0 has no program for the node's architecture, amd64."


def test_a_limit_that_is_too_low_for_the_runtime_itself():
    record = recorded("program-missing")
    first_status(record)["state"]["waiting"]["message"] = (
        "container init was OOM-killed (memory limit too low?): unknown"
    )
    (finding,) = concluded(record)
    assert (finding.why, finding.fix) == ("Its memory limit is too low to start a container.", MEMORY)


def test_a_program_that_was_killed_has_a_limit_of_its_pod_or_none():
    record = recorded("killed")
    spec = record["pods"][0]["spec"]
    spec["resources"] = spec["containers"][0].pop("resources")
    assert "probably because it used more memory than its limit of 32Mi" in concluded(record)[0].why
    del spec["resources"]
    assert concluded(record)[0].why == "The program exits with code 137. It has printed nothing."


def test_a_startup_probe_that_still_fails():
    record = recorded("startup-404")
    record["events"] = [event for event in record["events"] if event["reason"] == "Unhealthy"]
    first_status(record).update(state={"running": {"startedAt": record["now"]}}, lastState={})
    assert concluded(record)[0].why == (
        "The program runs, but its startup probe (GET /health on port 5000) gets HTTP 404."
    )


def test_a_sandbox_that_cannot_be_made():
    record = recorded("memory-too-little")
    record["events"][0]["message"] = 'Failed to create pod sandbox: no runtime for "runsc" is configured'
    assert concluded(record)[0].why == 'Failed to create pod sandbox: no runtime for "runsc" is configured.'


def test_a_program_that_ended_well_after_it_failed_is_no_failure():
    record = recorded("job-done")
    record["pods"][0]["status"]["phase"] = "Running"  # another container runs
    record["pods"][0]["spec"]["restartPolicy"] = "OnFailure"
    first_status(record)["lastState"] = recorded("killed")["pods"][0]["status"]["containerStatuses"][0]["lastState"]
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
        'The container cannot be created: "no-such-program": executable file not found in $PATH: unknown.',
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


def test_a_probe_that_runs_a_command():
    record = recorded("readiness-404")
    record["pods"][0]["spec"]["containers"][0]["readinessProbe"] = {"exec": {"command": ["test", "!", "-e", "/a b"]}}
    record["events"][0]["message"] = "Readiness probe failed: "
    assert concluded(record)[0].why == "The program runs, but its readiness probe (`test '!' -e '/a b'`) fails."


def test_a_service_without_pods():
    record = recorded("selects-nothing")
    (finding,) = concluded(record, pods=[], all_pods=[])
    assert finding.why == "Its selector is app=webap, and no Pod matches it.\nThe Pods' labels: there are no Pods."


def test_a_service_without_selector_gets_its_endpoints_from_other_clients():
    record = recorded("selects-nothing")
    del record["services"][0]["spec"]["selector"]
    assert not concluded(record) and not concluded(record, all_pods=[])


def unready(record):
    """The record of a Pod whose condition Ready is false."""
    record["pods"][0]["status"]["conditions"][0]["status"] = "False"
    return record


def test_a_program_that_runs_and_is_not_ready_yet():
    record = unready(recorded("healthy")) | {"services": []}
    first_status(record)["ready"] = False
    assert only_unready(record) == "the container webapp is running, but not ready"
    record["pods"][0]["status"]["containerStatuses"].clear()
    assert only_unready(record) == "it is waiting for a node"
    record["pods"][0]["spec"]["nodeName"] = "node-1"
    assert only_unready(record) == "its node is about to start it"


def test_a_readiness_gate_that_no_controller_opens():
    record = unready(recorded("healthy")) | {"services": []}
    record["pods"][0]["spec"]["readinessGates"] = [{"conditionType": "example.com/registered"}]
    (finding,) = concluded(record)
    assert (finding.reason, finding.why, finding.fix) == (
        "NotReady",
        "Its readiness gate example.com/registered is not true.",
        "A controller sets this condition. If there is none, leave `readinessGates` out of the manifest.",
    )


def another_application(record, **container):
    """Add a second Pod with the same labels, whose container has these fields; it is ready."""
    other = copy.deepcopy(record["pods"][0])
    other["metadata"] |= {"name": "shop-7d4b9c-x2x9f", "generateName": "shop-7d4b9c-", "uid": "uid-of-shop"}
    other["spec"]["containers"][0].update(container)
    record["pods"].append(other)
    return record


def test_a_selector_that_fits_two_applications():
    (finding,) = concluded(another_application(recorded("healthy"), image="localhost:5000/shop@sha256:0123"))
    assert finding == Finding(
        "Service healthy",
        "several applications",
        "Its selector app=healthy matches Pods of different applications, and each request goes to any of them:\n"
        "- healthy (web-app:1.0)\n- shop-7d4b9c-* (localhost:5000/shop@sha256:0123)",
        "Add a label that only the right Pods have to their template, and to the Service's `selector`.",
    )
    (finding,) = concluded(another_application(recorded("healthy"), command=["python", "-m", "http.server"]))
    assert finding.reason == "several applications", "the same image, but another program"


def test_two_versions_behind_one_service_are_no_failure():
    record = another_application(recorded("healthy"), image="docker.io/library/web-app:2.0")
    assert not concluded(another_application(record, image="web-app"))


def test_an_application_that_is_being_deleted_no_longer_gets_requests():
    record = another_application(recorded("healthy"), image="frontend:1.0")
    record["pods"][1]["metadata"]["deletionTimestamp"] = record["now"]
    assert not concluded(record)


def test_a_quota_that_requires_limits():
    record = recorded("over-quota")
    record["replicasets"][0]["status"]["conditions"][0]["message"] = (
        'pods "web-7fff5f55b-cpvbc" is forbidden: failed quota: memory: must specify limits.memory for: webapp'
    )
    (finding,) = concluded(record)
    assert (finding.why, finding.fix) == (
        "It may not create its Pods, because the quota memory requires fields that are missing: "
        "limits.memory for: webapp.",
        "Add these fields under `resources` to the containers in the Pod template.",
    )


def test_a_statefulset_that_may_not_create_the_claim_of_its_next_pod():
    """A StatefulSet reports this only in an event."""
    refused = (
        "create Claim data-notes-2 for Pod notes-2 in StatefulSet notes failed error: persistentvolumeclaims "
        '"data-notes-2" is forbidden: exceeded quota: workbook-learner, requested: persistentvolumeclaims=1, '
        "used: persistentvolumeclaims=2, limited: persistentvolumeclaims=2"
    )
    event = {"reason": "FailedCreate", "message": refused, "involvedObject": {"uid": "uid-of-notes"}}
    created = event | {"reason": "SuccessfulCreate", "message": "create Pod notes-2 in StatefulSet notes successful"}
    events = [event | {"metadata": {"resourceVersion": "12"}}, created | {"metadata": {"resourceVersion": "9"}}]
    notes = {"metadata": {"name": "notes", "uid": "uid-of-notes"}, "spec": {"replicas": 3}, "status": {"replicas": 2}}
    record = {"now": "2026-11-25T21:05:12Z", "statefulsets": [notes], "events": events}
    (finding,) = concluded(record)
    assert (finding.subject, finding.reason, finding.why) == (
        "StatefulSet notes",
        "FailedCreate",
        "It may not create its Pods, because of the quota workbook-learner. Needed: persistentvolumeclaims=1. "
        "Used: persistentvolumeclaims=2. Allowed: persistentvolumeclaims=2.",
    )
    events[1]["metadata"]["resourceVersion"] = "13"
    assert not concluded(record), "it has succeeded since"
    events.clear()
    assert not concluded(record), "it has not tried yet"
    notes["spec"]["replicas"] = 2
    assert not concluded(record | {"events": [event | {"metadata": {"resourceVersion": "12"}}]}), (
        "it needs no more Pods"
    )


def test_a_service_may_name_a_port():
    record = recorded("wrong-target-port")
    record["services"][0]["spec"]["ports"][0]["targetPort"] = "http"
    record["pods"][0]["spec"]["containers"][0]["ports"][0]["name"] = "web"
    (finding,) = concluded(record)
    assert "goes to port http of the Pods, but the Pods declare 5000, web." in finding.why
    record["services"][0]["spec"]["ports"][0]["targetPort"] = "web"
    assert not concluded(record)


RESTARTED = {
    "exitCode": 255,
    "reason": "Unknown",
    "startedAt": "2026-11-25T20:00:00Z",
    "finishedAt": "2026-11-25T20:00:05Z",
}


def after_a_node_restart(name, started, ready=False, **last):
    """The record of a Pod whose container runs again, after an exit that the kubelet did not see."""
    record = unready(recorded(name))
    state = {"running": {"startedAt": started}}
    first_status(record).update(state=state, ready=ready, restartCount=1, lastState={"terminated": RESTARTED | last})
    return record


@pytest.mark.parametrize("last", [{}, {"exitCode": 137}, {"exitCode": 1, "reason": "Error"}])
def test_an_exit_that_is_past_is_not_the_cause_of_a_readiness_probe_that_fails(last):
    record = after_a_node_restart("readiness-404", "2026-11-25T16:03:29Z", **last)
    record["pods"][0]["spec"]["containers"][0]["resources"] = {"limits": {"memory": "64Mi"}}
    assert concluded(record) == [Finding(*FAILURES["readiness-404"])]


def test_a_program_that_starts_after_its_node_restarted():
    record = after_a_node_restart("readiness-404", "2026-11-25T21:03:26Z")
    old = {"lastTimestamp": "2026-11-25T21:03:20Z"}
    record["events"][0] |= old
    assert only_unready(record) == "the container webapp is running, but not ready"
    first_status(record)["state"] = {"waiting": {"reason": "ContainerCreating"}}
    assert only_unready(record) == "the container webapp is waiting (ContainerCreating)"


@pytest.mark.parametrize("reason", ["ContainerStatusUnknown", "Unknown"])
def test_a_program_that_ended_unseen_has_not_used_too_much_memory(reason):
    record = recorded("killed")
    record["pods"][0]["status"]["phase"] = "Failed"
    first_status(record)["state"]["terminated"].update(reason=reason)
    (finding,) = concluded(record)
    assert finding.why == "Kubernetes does not know how the program ended. Its node may have restarted."
    assert finding.fix == "Delete the Pod. Its controller, such as a Deployment, creates another one."
    record["pods"][0]["status"]["phase"] = "Running"
    assert concluded(record)[0].fix == "Wait some seconds, and run `diagnose` again."


def test_a_node_that_is_lost():
    record = unready(recorded("healthy")) | {"services": []}
    record["pods"][0]["spec"]["nodeName"] = "node-2"
    assert only_unready(record) == "its containers are ready, but its condition Ready is not true"
    event = {"reason": "NodeNotReady", "message": "Node is not ready", "metadata": {"resourceVersion": "7"}}
    probe = recorded("readiness-404")["events"][0] | {"involvedObject": {"uid": "uid-of-healthy"}}
    record["events"] = [event | {"involvedObject": {"uid": "uid-of-healthy"}}, probe]
    (finding,) = concluded(record)
    assert (finding.reason, finding.why, finding.fix) == (
        "NodeNotReady",
        "Its node node-2 no longer reports to Kubernetes.",
        "Start the node, or wait until the Pod's controller replaces the Pod. See `%kubectl get nodes`.",
    )


def test_a_probe_that_failed_earlier_does_not_close_a_readiness_gate():
    record = unready(recorded("readiness-404"))
    first_status(record)["ready"] = True
    record["pods"][0]["spec"]["readinessGates"] = [{"conditionType": "example.com/registered"}]
    assert concluded(record)[0].why == "Its readiness gate example.com/registered is not true."


def workload(name, replicas, **labels):
    """A Deployment, StatefulSet or ReplicaSet whose template has these labels."""
    return {
        "metadata": {"name": name, "uid": f"uid-of-{name}", "generation": 1},
        "spec": {"replicas": replicas, "template": {"metadata": {"labels": labels}}},
    }


@pytest.mark.parametrize("kind", ["deployment", "statefulset", "replicaset"])
def test_a_service_whose_workload_has_no_pods(kind):
    record = recorded("selects-nothing")
    record[f"{kind}s"] = [workload("web", 0, app="webap")]
    (finding,) = concluded(record)
    assert (finding.subject, finding.reason) == ("Service selects-nothing", "no endpoints")
    assert finding.why == f"Its selector app=webap matches the Pods of {kind}/web, which has 0 Pods (`replicas: 0`)."
    assert finding.fix == f"Run `%kubectl scale --replicas=1 {kind}/web`."
    record[f"{kind}s"].append(workload("refused", 2, app="webap"))
    (finding,) = concluded(record)
    assert finding.why == f"Its selector app=webap matches the Pods of {kind}/refused, but there are none."
    assert finding.fix == f"See the findings about it, or `%kubectl describe {kind}/refused`."


def test_a_service_whose_last_pods_are_being_deleted():
    record = recorded("none-ready") | {"events": []}
    record["pods"][0]["metadata"]["deletionTimestamp"] = record["now"]
    assert concluded(record)[0].why == FAILURES["none-ready"][2], "no workload is known"
    record["deployments"] = [workload("web", 0, app="readiness-404")]
    assert concluded(record)[0].why.endswith("which has 0 Pods (`replicas: 0`).")


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_an_application_that_has_ended_gets_no_requests(phase):
    record = another_application(recorded("healthy"), image="frontend:1.0")
    record["pods"][1]["status"] = {"phase": phase, "reason": "Evicted"}
    assert [each for each in concluded(record) if each.reason == "several applications"] == []


@pytest.mark.parametrize("kind", ["ReplicaSet", "StatefulSet"])
def test_an_update_to_another_program_is_one_application(kind):
    record = another_application(recorded("healthy"), image="frontend:1.0")
    for number, pod in enumerate(record["pods"]):
        owner = {"kind": kind, "name": "shop" if kind == "StatefulSet" else f"shop-{number}", "uid": "uid"}
        pod["metadata"] |= {"ownerReferences": [owner], "name": f"shop-{number}"}
        if kind == "ReplicaSet":
            pod["metadata"] |= {"generateName": f"shop-{number}-", "name": f"shop-{number}-x2x9f"}
            pod["metadata"]["labels"] = pod["metadata"]["labels"] | {"pod-template-hash": str(number)}
    assert not concluded(record)
    record["pods"][0]["metadata"] |= {"name": "web-0", "generateName": "web-0-"}
    record["pods"][0]["metadata"]["ownerReferences"][0]["name"] = "web"
    assert [finding.reason for finding in concluded(record)] == ["several applications"]


def second_container(record, **status):
    """Add a second container, b, with its own probes and image; its state is that of the first one with `status`."""
    pod = record["pods"][0]
    probe = {"httpGet": {"path": "/b", "port": 80}}
    fields = {"name": "b", "image": "other:1.0", "livenessProbe": probe, "readinessProbe": probe}
    pod["spec"]["containers"].append(pod["spec"]["containers"][0] | fields)
    pod["status"]["containerStatuses"].append(copy.deepcopy(first_status(record)) | {"name": "b"} | status)
    for event in record["events"]:
        event["involvedObject"]["fieldPath"] = "spec.containers{b}"
    return record


def test_a_readiness_probe_is_that_of_the_container_in_the_event():
    record = second_container(recorded("readiness-404"))
    assert concluded(record)[0].why == "The program runs, but its readiness probe (GET /b on port 80) gets HTTP 404."
    record["pods"][0]["status"]["containerStatuses"].pop()
    assert only_unready(record) == "the container webapp is running, but not ready"


def test_a_liveness_probe_is_that_of_the_container_in_the_event():
    record = second_container(recorded("liveness-404"))
    assert "(GET /b on port 80)" in concluded(record)[0].why
    record["pods"][0]["status"]["containerStatuses"].pop()
    assert concluded(record)[0].why == "The program exits with code 0. It has printed nothing."


def test_an_image_for_another_platform_is_that_of_the_container_in_the_event():
    record = second_container(recorded("platform-unmatched"))
    record["pods"][0]["status"]["containerStatuses"].pop()
    first_status(record)["state"]["waiting"]["message"] = "Back-off pulling image"
    assert concluded(record)[0].why == (
        "The image localhost:5000/hello:1.0 is not on the node, and no registry provided it."
    )


@pytest.mark.parametrize(
    ("occurred", "ended", "is_cause"),
    [
        ("2026-11-25T21:02:16Z", {"exitCode": 1, "reason": "Error"}, False),
        ("2026-11-25T21:02:17Z", {"exitCode": 1, "reason": "Error"}, True),
        ("2026-11-25T21:02:16Z", {"exitCode": 137, "reason": "OOMKilled"}, False),
        ("2026-11-25T20:30:00Z", {"exitCode": 137, "reason": "Error"}, True),  # the kubelet drops events
    ],
)
def test_a_container_that_has_ended_in_another_way_since_a_probe_killed_it(occurred, ended, is_cause):
    record = recorded("liveness-404")
    record["events"][1]["lastTimestamp"] = occurred
    first_status(record)["lastState"]["terminated"] |= ended
    assert ("liveness probe" in concluded(record)[0].why) is is_cause
    record["events"][1] |= {
        "lastTimestamp": None,
        "eventTime": "2026-11-25T20:00:00Z",
        "series": {"lastObservedTime": occurred},
    }
    assert ("liveness probe" in concluded(record)[0].why) is is_cause


def test_a_container_that_has_run_for_longer_than_its_liveness_probe_allows():
    record = recorded("liveness-404")
    begun = datetime.fromisoformat(record["now"])
    first_status(record).update(state={"running": {"startedAt": record["now"]}}, ready=True)
    record["pods"][0]["status"]["conditions"][0]["status"] = "True"
    allowed = 3 * (10 + 1) + 30 + 10  # three attempts, the grace period, and a margin
    assert concluded(record, now=begun + timedelta(seconds=allowed))[0].reason == "Unhealthy"
    assert not concluded(record, now=begun + timedelta(seconds=allowed + 1))


@pytest.mark.parametrize(
    ("cause", "fix"),
    [
        (
            "unexpected status from HEAD request to https://ghcr.io/v2/a/manifests/1: 401 Unauthorized",
            "Correct `image` in the manifest, or log in to the registry: set `imagePullSecrets`.",
        ),
        (
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            "Let the node trust the registry's certificate, or use a registry whose certificate is valid.",
        ),
        (
            "failed to extract layer sha256:01: write /var/lib/a: no space left on device",
            "Free some space on the node, for example with `docker system prune`.",
        ),
        (
            "unexpected status code https://a/v2: 429 Too Many Requests - Server message: toomanyrequests: rate limit",
            "Wait until the registry's limit allows more, or log in to it: set `imagePullSecrets`.",
        ),
    ],
)
def test_a_pull_that_fails_for_a_reason_that_is_known(cause, fix):
    record = recorded("image-pull-back-off")
    message = f'failed to pull and unpack image "a": failed to do request: Head "https://a/v2": {cause}'
    first_status(record)["state"]["waiting"]["message"] = message
    (finding,) = concluded(record)
    assert finding.why == f"The image localhost:1/web-app:9.9 cannot be pulled: {cause}."
    assert finding.fix == fix
    first_status(record)["state"]["waiting"]["message"] = "Back-off pulling image"
    record["events"][0]["message"] = f'Failed to pull image "localhost:1/web-app:9.9": {message}'
    assert concluded(record) == [finding], "an older kubelet"


@pytest.mark.parametrize(
    ("image", "known"),
    [
        ("localhost:5000/web-app:9.9", "no image"),
        ("docker.io/library/web-app:9.9", "web-app:1.0, web-app:2.0"),
        ("web-app@sha256:0123", "web-app:1.0, web-app:2.0"),
    ],
)
def test_the_images_with_the_same_name(image, known):
    record = recorded("image-never-pulled")
    record["pods"][0]["spec"]["containers"][0]["image"] = image
    images = [*IMAGES, "localhost:5000/frontend:1.0"]
    assert concluded(record, images=lambda: images)[0].why.endswith(f" With that name, the node has {known}.")


@pytest.mark.parametrize(
    ("reason", "message", "why", "fix"),
    [
        (
            "CreateContainerConfigError",
            "services have not yet been read at least once, cannot construct envvars",
            "The container webapp is waiting: services have not yet been read at least once, cannot construct envvars.",
            "Wait some seconds",
        ),
        (
            "CreateContainerConfigError",
            "couldn't find key a in ConfigMap workbook/settings",
            "The Pod refers to something that does not exist: couldn't find key a in ConfigMap workbook/settings.",
            "Create it",
        ),
        (
            "CreateContainerConfigError",
            'container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root (pod: "a")',
            "It must not run as root, and the user of its image must be a number: container has runAsNonRoot and image has "
            "non-numeric user (web), cannot verify user is non-root.",
            "Set `runAsUser` under `securityContext`, or `USER` in the Dockerfile, to the user's number.",
        ),
        (
            "PostStartHookError",
            "Exec lifecycle hook failed.",
            "The container webapp is waiting: Exec lifecycle hook failed.",
            "Wait some seconds",
        ),
        (
            "SomethingNew",
            "",
            "The container webapp is waiting: Kubernetes gives no message.",
            "Wait some seconds",
        ),
        (
            "CreateContainerError",
            "the name is taken",
            "The container cannot be created: the name is taken.",
            COMMAND,
        ),
    ],
)
def test_a_reason_to_wait(reason, message, why, fix):
    record = recorded("config-missing")
    first_status(record)["state"]["waiting"].update(reason=reason, message=message)
    (finding,) = concluded(record)
    assert (finding.reason, finding.why) == (reason, why) and finding.fix.startswith(fix)


def test_a_network_that_is_not_ready():
    record = recorded("memory-too-little")
    record["events"][0] |= {"reason": "NetworkNotReady", "message": "network is not ready: cni plugin not initialized"}
    (finding,) = concluded(record)
    assert (finding.reason, finding.why) == ("NetworkNotReady", "network is not ready: cni plugin not initialized.")


TAINT = "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"


@pytest.mark.parametrize(
    ("reasons", "why"),
    [
        ('persistentvolumeclaim "data" is being deleted', ""),
        ('waiting for ephemeral volume controller to create the persistentvolumeclaim "a-b"', ""),
        ("1 node(s) didn't find available persistent volumes to bind, 2 Insufficient cpu", ""),
        ("1 Insufficient cpu, 2 node(s) didn't match Pod's node affinity/selector", ""),
        ("1 Insufficient cpu, 3 Insufficient memory", "No node has enough memory left for it."),
        ("3 Insufficient cpu, 3 Insufficient memory", "No node has enough cpu and memory left for it."),
        (f"{TAINT}, 2 Insufficient example.com/gpu", "No node has enough example.com/gpu left for it."),
        (f"{TAINT}, 1 Insufficient cpu, 1 node(s) were unschedulable", ""),
        ("1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }, 2 Insufficient cpu", ""),
        ("2 node(s) didn't have free ports for the requested pod ports, 1 node(s) were unschedulable", ""),
        ("3 node(s) didn't match Pod's node affinity/selector", FAILURES["node-unmatched"][2]),
        ("pod has unbound immediate PersistentVolumeClaims", FAILURES["claim-missing"][2]),
    ],
)
def test_what_the_scheduler_says_of_some_nodes_is_not_true_for_each(reasons, why):
    record = recorded("cpu-insufficient")
    message = f"0/3 nodes are available: {reasons}. preemption: 0/3 nodes are available: 3 Insufficient cpu."
    record["pods"][0]["status"]["conditions"][0]["message"] = message
    assert concluded(record)[0].why == (why or message)


def test_a_service_may_lead_to_a_port_of_a_sidecar():
    record = recorded("wrong-target-port")
    sidecar = {"name": "proxy", "image": "proxy:1.0", "restartPolicy": "Always", "ports": [{"containerPort": 5001}]}
    record["pods"][0]["spec"]["initContainers"] = [sidecar]
    assert not concluded(record)
    del sidecar["restartPolicy"]
    assert [finding.reason for finding in concluded(record)] == ["wrong target port"]


@pytest.mark.parametrize(
    ("target", "protocol", "ports", "why"),
    [
        ("web", "UDP", [{"containerPort": 5000, "name": "web"}], "port web (UDP) of the Pods, but the Pods declare 5000, web."),
        ("dns", "UDP", [{"containerPort": 53, "name": "dns", "protocol": "UDP"}], ""),
        ("dns", "TCP", [{"containerPort": 53, "name": "dns", "protocol": "UDP"}], "port dns of the Pods, but the Pods declare 53 (UDP), dns (UDP)."),
        ("web", "TCP", [], "port web of the Pods, but the Pods declare no ports."),
        (53, "UDP", [{"containerPort": 53}], ""),
        (53, "TCP", [], ""),
    ],
)  # fmt: skip
def test_a_named_port_of_a_service_needs_a_port_with_its_name_and_protocol(target, protocol, ports, why):
    record = recorded("wrong-target-port")
    record["services"][0]["spec"]["ports"][0] |= {"targetPort": target, "protocol": protocol}
    record["pods"][0]["spec"]["containers"][0]["ports"] = ports
    assert [finding.why for finding in concluded(record)] == ([f"Its port 80 goes to {why}"] if why else [])


def test_a_port_that_one_container_may_use_without_declaring_it():
    record = recorded("wrong-target-port")
    record["pods"][0]["spec"]["containers"].append({"name": "b", "image": "b:1.0"})
    (finding,) = concluded(record)
    assert finding.reason == "undeclared target port"
    assert finding.why == f"{FAILURES['wrong-target-port'][2]} A Pod can also use a port that it does not declare."
    assert finding.fix == "If no program listens at that port, correct `targetPort` in the Service's manifest."


def test_the_ports_of_a_headless_service_are_not_checked():
    record = recorded("wrong-target-port")
    record["services"][0]["spec"]["clusterIP"] = "None"
    assert not concluded(record)


def test_a_service_that_publishes_pods_that_are_not_ready_has_endpoints():
    record = recorded("none-ready")
    record["services"][0]["spec"]["publishNotReadyAddresses"] = True
    assert [finding.subject for finding in concluded(record)] == ["Pod readiness-404"]


@pytest.mark.parametrize("name", ["out-of-memory", "init-out-of-memory"])
def test_a_program_without_a_limit_is_killed_because_the_node_has_no_memory_left(name):
    record = recorded(name)
    for spec in [*record["pods"][0]["spec"]["containers"], *record["pods"][0]["spec"].get("initContainers", [])]:
        spec.pop("resources", None)
    (finding,) = concluded(record)
    assert finding.why.endswith(" was killed because its node ran out of memory. The program has no memory limit.")
    assert finding.fix.startswith("Set `resources.requests.memory` in the manifest, delete other Pods, or")


@pytest.mark.parametrize(("name", "policy", "again"), [("exit-1", "Never", False), ("sidecar-ends", "Never", True)])
def test_a_program_that_is_not_restarted(name, policy, again):
    record = recorded(name)
    record["pods"][0]["spec"]["restartPolicy"] = policy
    status = (
        record["pods"][0]["status"].get("initContainerStatuses") or record["pods"][0]["status"]["containerStatuses"]
    )[0]
    status["state"] = {"terminated": {"exitCode": 1, "reason": "Error"}}
    assert ("Until then it is restarted" in concluded(record)[0].fix) is again


def test_a_container_that_has_ended_well_is_not_the_one_that_is_not_ready():
    record = recorded("readiness-404") | {"events": []}
    record["pods"][0]["spec"]["restartPolicy"] = "OnFailure"
    second_container(record)
    first_status(record)["state"] = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    assert only_unready(record) == "the container b is running, but not ready"


@pytest.mark.parametrize("reason", ["Evicted", "Terminated", "Preempting"])
def test_a_pod_that_its_node_has_ended(reason):
    record = recorded("deadline")
    record["pods"][0]["status"] |= {"reason": reason, "message": "The node was low on resource: memory."}
    assert concluded(record) == [
        Finding(
            "Pod deadline",
            reason,
            "Its node has ended it: The node was low on resource: memory.",
            "Delete the Pod. Its controller, such as a Deployment, creates another one.",
        )
    ]


def test_a_replicaset_that_cannot_delete_its_pods():
    record = recorded("over-quota")
    record["replicasets"][0]["status"]["conditions"][0] |= {
        "reason": "FailedDelete",
        "message": "forbidden by a policy",
    }
    (finding,) = concluded(record)
    assert (finding.reason, finding.why) == ("FailedDelete", "forbidden by a policy.")


def test_a_load_balancer_that_the_cloud_refuses():
    record = recorded("load-balancer")
    record["services"][0]["metadata"]["uid"] = "uid-of-service"
    event = {"involvedObject": {"uid": "uid-of-service"}, "metadata": {"resourceVersion": "7"}}
    refused = {
        "type": "Warning",
        "reason": "SyncLoadBalancerFailed",
        "message": "Error syncing load balancer: no quota.",
    }
    record["events"] = [event | refused, event | {"type": "Normal", "message": "Ensuring load balancer"}]
    assert concluded(record)[0].why == "Error syncing load balancer: no quota."


class Api:
    """An API server with the recorded objects of several failures."""

    def __init__(self, *names):
        records = [recorded(name) for name in names]
        self.kinds = {
            kind: [item for record in records for item in record.get(kind, [])]
            for kind in ("pods", "services", "replicasets", "statefulsets", "deployments", "events")
        }

    def objects(self, resource, namespace=None, label_selector=""):
        if namespace == "kube-system":
            raise WorkbookError("The API server does not list pods.")
        key, _, value = label_selector.partition("=")
        return [
            item for item in self.kinds[resource] if not key or item["metadata"].get("labels", {}).get(key) == value
        ]

    def find(self, resource, name):
        if not self.node:
            raise WorkbookError("The API server does not let this user read nodes.")
        return {"metadata": {"name": name}, "status": {"nodeInfo": {"architecture": self.node}}}


class Images:
    """The images of an engine; it has `architecture` for one of them."""

    def __init__(self, architecture):
        self.architecture = architecture

    def get(self, image):
        if not self.architecture:
            raise ImageNotFound(image)
        return SimpleNamespace(attrs={"Architecture": self.architecture})


@pytest.fixture
def cluster(monkeypatch):
    """A function that uses the objects of these records, an engine's image for `image` and a node of `node`."""

    def use(*names, image="", node="amd64", on_node="web-app:3.0"):
        api = Api(*names)
        api.node = node
        found = SimpleNamespace(images=lambda: [on_node], docker=lambda: SimpleNamespace(images=Images(image)))
        monkeypatch.setattr(module, "api", lambda: api)
        monkeypatch.setattr(module, "current", lambda: found)

    return use


def test_diagnose_examines_the_whole_namespace(cluster):
    cluster("image-never-pulled", "over-quota", "rollout-paused", "load-balancer", "job-done")
    found = diagnose()
    assert [finding.reason for finding in found] == [
        "ErrImageNeverPull",
        "FailedCreate",
        "DeploymentPaused",
        "EXTERNAL-IP <pending>",
    ]
    assert "the node has web-app:3.0." in found[0].why


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


@pytest.mark.parametrize(
    ("choices", "why"),
    [
        ({"image": "arm64"}, "The image hello:arm64 is for arm64, but the node is amd64."),
        ({"image": "amd64", "node": "s390x"}, "The image hello:arm64 is for amd64, but the node is s390x."),
        ({"image": ""}, f"{OTHER}, amd64."),
        ({"image": "arm64", "on_node": "web-app:1.0"}, f"{OTHER}, amd64."),  # another engine's
        ({"node": ""}, f"{OTHER}."),
    ],
)
def test_diagnose_asks_the_node_and_the_engine_for_architectures(cluster, monkeypatch, choices, why):
    monkeypatch.setattr(module, "kubectl_output", lambda *args: "exec /hello: exec format error")
    cluster("architecture", **{"on_node": "hello:arm64", **choices})
    assert diagnose()[0].why == why


def test_a_log_that_cannot_be_read_is_none(cluster, monkeypatch):
    def refuse(*args):
        raise KubectlError(args, 1, "forbidden")

    monkeypatch.setattr(module, "kubectl_output", refuse)
    cluster("exit-1")
    assert diagnose()[0].why.endswith("It has printed nothing.")


GONE = (
    "unable to retrieve container logs for containerd://5df8f3125aba",
    'failed to try resolving symlinks in path "/var/log/pods/1.log": lstat /var/log/pods/1.log: no such file or directory',
)
"""What kubectl prints, without an error, while the kubelet removes an older container."""


def test_the_log_of_a_removed_container_is_replaced_by_that_of_the_next_one(cluster, monkeypatch):
    asked, answers = [], iter([*GONE, "no database"])
    monkeypatch.setattr(module, "kubectl_output", lambda *args: asked.append(args[-1]) or next(answers))
    restarted = datetime.fromisoformat("2026-11-25T21:05:12Z")
    monkeypatch.setattr(module, "datetime", SimpleNamespace(now=lambda zone: restarted))
    cluster("restarted")
    assert diagnose()[0].why.endswith("Its last lines were:\nno database")
    assert asked == ["--previous", "--tail=5", "--tail=5"]


@pytest.mark.parametrize("gone", GONE)
def test_a_log_that_stays_removed_is_none(cluster, monkeypatch, gone):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    monkeypatch.setattr(module, "kubectl_output", lambda *args: gone)
    cluster("exit-1")
    assert diagnose()[0].why.endswith("It has printed nothing.")


def test_a_diagnosis_is_a_list():
    assert Diagnosis() == [] and repr(Diagnosis()) == "✓ No problems found."
