"""Failures on the tests' cluster, and the exact findings of `diagnose`.

Pods that fail on their own are all started before the first test. The other tests have the Namespace for themselves.
"""

import re
import socket
from contextlib import suppress

import pytest

import workbook
from tests.webapp import changed
from workbook.base.errors import WorkbookError
from workbook.base.polling import poll
from workbook.cluster.current import api
from workbook.diagnosis.findings import Diagnosis
from workbook.lessons.kubectl import KubectlError, kubectl

pytestmark = pytest.mark.cluster
POD = "Pod webapp-deployment-*"
TAKEN = "another Pod has its host port"
MEMORY = "Raise `resources.limits.memory` in the manifest, or find out why the program needs so much."
EXITS = "Fix what the program complains about. Until then it is restarted, each time after a longer delay."
COMMAND = "Correct `command`, `args` or the mounts in the manifest, or the program's path in the image."
IMAGE = "Correct `image` in the manifest, or build the image and set `imagePullPolicy: Never` (notebook 02)."
PROBE = {"httpGet": {"path": "/health", "port": 5000}, "periodSeconds": 1, "failureThreshold": 1}
SETTINGS = {"name": "SETTING", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}}
PREPARES = {"name": "prepare", "image": "web-app:1.0", "imagePullPolicy": "Never"}
CLAIM = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
ASKS = "from urllib.request import urlopen; urlopen('http://webservice.nowhere.svc.cluster.local')"
# On one stream: the runtime reads a program's two streams apart, and may swap lines of different streams.
SAYS = "raise SystemExit('opening settings\\nthere are none')"

# The fault: changed fields of the container, changed fields of the Pod, the reason, why, and the fix.
PODS = {
    "the image is not on the node": (
        {"image": "web-app:9.9"},
        {},
        "ErrImageNeverPull",
        "The image web-app:9.9 is not on the node, and `imagePullPolicy: Never` does not allow pulling it. With that name, the node has web-app:1.0.",
        "Build it and load it onto the node (notebook 02), or correct `image` in the manifest.",
    ),
    "no registry has the image": (
        {"image": "localhost:1/web-app:9.9", "imagePullPolicy": "IfNotPresent"},
        {},
        ("ErrImagePull", "ImagePullBackOff"),
        "The image localhost:1/web-app:9.9 is not on the node, and no registry provided it.",
        IMAGE,
    ),
    "the program ends at once": (
        {"command": ["python", "-c", SAYS]},
        {},
        ("Error", "CrashLoopBackOff"),
        "The program exits with code 1. Its last lines were:\nopening settings\nthere are none",
        EXITS,
    ),
    "the program has nothing to do": (
        {"command": ["python", "-c", "pass"]},
        {},
        ("Completed", "CrashLoopBackOff"),
        "The program exits with code 0. It has printed nothing.",
        EXITS,
    ),
    "it asks for a name that does not resolve": (
        {"command": ["python", "-c", ASKS]},
        {},
        ("Error", "CrashLoopBackOff"),
        "The program exits with code 1. It cannot resolve a name:\n"
        "urllib.error.URLError: <urlopen error [Errno -2] Name or service not known>",
        "Compare the name with `services()`: NAME for a Service in the same Namespace, NAME.NAMESPACE for one in another.",
    ),
    "it is killed, and the runtime does not say why": (
        {"command": ["python", "-c", "raise SystemExit(137)"], "resources": {"limits": {"memory": "32Mi"}}},
        {},
        ("Error", "CrashLoopBackOff"),
        "The program was killed (exit code 137), probably because it used more memory than its limit of 32Mi. "
        "It has printed nothing.",
        MEMORY,
    ),
    "what prepares it ends with an error": (
        {},
        {"initContainers": [PREPARES | {"command": ["python", "-c", SAYS]}]},
        ("Error", "CrashLoopBackOff"),
        "The program of the init container prepare exits with code 1, so the Pod's containers do not "
        "start. Its last lines were:\nopening settings\nthere are none",
        EXITS,
    ),
    "what prepares it waits forever": (
        {},
        {"initContainers": [PREPARES | {"command": ["python", "-c", "import time; time.sleep(10**6)"]}]},
        "PodInitializing",
        "The program of the init container prepare is still running, and the Pod's containers start only after it has finished. "
        "It has printed nothing.",
        "Wait if it is still preparing something. Otherwise provide what it waits for, or correct its command.",
    ),
    "a Secret to mount is missing": (
        {"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
        {"volumes": [{"name": "data", "secret": {"secretName": "passwords"}}]},
        "FailedMount",
        'The volume "data" cannot be mounted: secret "passwords" not found.',
        "Create what the volume refers to, or correct `volumes` in the manifest. With `optional: true`, the Pod starts "
        "without it.",
    ),
    "it has a scheduling gate": (
        {},
        {"schedulingGates": [{"name": "example.com/quota"}]},
        "SchedulingGated",
        "It is not scheduled until its scheduling gates are removed: example.com/quota.",
        "A gate is removed by its controller. If there is none, leave `schedulingGates` out of the manifest.",
    ),
    "a ConfigMap is missing": (
        {"env": [SETTINGS]},
        {},
        "CreateContainerConfigError",
        'The Pod refers to something that does not exist: configmap "settings" not found.',
        "Create it, or correct its name in the manifest.",
    ),
    "no node has room": (
        {"resources": {"requests": {"memory": "9Ti"}}},
        {},
        "Unschedulable",
        "No node has enough memory left for it.",
        "Lower `resources.requests`, delete other Pods, or give the cluster more resources.",
    ),
    "no node is what it wants": (
        {},
        {"nodeSelector": {"disk": "fast"}},
        "Unschedulable",
        "It requires node labels that no node has.",
        "Correct `nodeSelector` or `affinity` in the manifest. See the nodes' labels: `%kubectl get nodes --show-labels`.",
    ),
    "its volume is not bound": (
        {},
        {"volumes": [CLAIM]},
        "Unschedulable",
        "It uses a PersistentVolumeClaim that does not exist, or that has no volume.",
        "Look at `%kubectl get persistentvolumeclaims`: create the claim, or correct its name or its storage class.",
    ),
    "no controller opens its readiness gate": (
        {},
        {"readinessGates": [{"conditionType": "example.com/registered"}]},
        "NotReady",
        "Its readiness gate example.com/registered is not true.",
        "A controller sets this condition. If there is none, leave `readinessGates` out of the manifest.",
    ),
    "the readiness probe asks at a wrong port": (
        {"readinessProbe": {"httpGet": {"path": "/", "port": 5001}, "periodSeconds": 1}},
        {},
        "Unhealthy",
        "The program runs, but its readiness probe (GET / on port 5001) gets no answer.",
        "Wait if it is still starting. Otherwise correct the probe's path and port, or the program.",
    ),
    "the readiness probe asks for a wrong path": (
        {"readinessProbe": PROBE},
        {},
        "Unhealthy",
        "The program runs, but its readiness probe (GET /health on port 5000) gets HTTP 404.",
        "Wait if it is still starting. Otherwise correct the probe's path and port, or the program.",
    ),
    "the liveness probe asks for a wrong path": (
        {"livenessProbe": PROBE},
        {},
        "Unhealthy",
        "Its liveness probe fails (GET /health on port 5000), so the kubelet restarts the container.",
        "If the program works, correct the probe's path and port, or raise its `initialDelaySeconds`.",
    ),
}


MORE = {
    "it takes too much memory": (
        {"command": ["python", "-c", "x = bytearray(10**9)"], "resources": {"limits": {"memory": "32Mi"}}},
        {},
    ),
    "its image is on the node, but its policy asks a registry": ({"imagePullPolicy": "Always"}, {}),
    "its program is not in the image": ({"command": ["no-such-program"]}, {}),
}
"""Faults whose findings differ between providers or runs."""


@pytest.fixture(scope="module")
def name():
    """A function that returns the name of the Deployment with a fault, which is also its Pods' label `app`."""
    workbook.begin(3)
    faults = {fault: (container, pod) for fault, (container, pod, *_) in PODS.items()} | MORE
    faults[TAKEN] = ({"ports": [{"containerPort": 5000, "hostPort": taken_port()}]}, {})
    names = {fault: f"webapp-{number}" for number, fault in enumerate(faults)}
    workbook.apply("".join(changed(*fields, names[fault]) for fault, fields in faults.items()))
    return names.__getitem__


def taken_port():
    """A port of the node that a Pod of Kubernetes itself has, such as the API server's. It depends on the provider."""
    containers = [container for pod in api().objects("pods", "") for container in pod["spec"]["containers"]]
    return next(port["hostPort"] for each in containers for port in each.get("ports", []) if "hostPort" in port)


def diagnosed(reasons, why="", selector="app=webapp"):
    """Return the diagnosis as soon as a finding has one of these reasons, and its explanation begins with `why`.

    A status and its event may come in any order, and the probe of a program that is starting fails in another way.
    """
    found = Diagnosis()

    def is_expected():
        found[:] = workbook.diagnose(selector)
        return any(finding.reason in reasons and finding.why.startswith(why) for finding in found)

    with suppress(TimeoutError):
        poll(is_expected, timeout=120, every=0.3)  # much longer than it takes, since the machine may be busy
    return found


@pytest.mark.parametrize("wrong", PODS)
def test_a_pod(name, said, wrong):
    _, _, reasons, why, fix = PODS[wrong]
    reasons = (reasons,) if isinstance(reasons, str) else reasons
    (found,) = said(diagnosed(reasons, why, f"app={name(wrong)}"))
    assert (found.subject, found.why, found.fix) == (f"Pod {name(wrong)}-*", why, fix) and found.reason in reasons


def test_it_takes_too_much_memory(name, said):
    """On a busy node, the container runtime does not always notice who killed the program."""
    selector = f"app={name('it takes too much memory')}"
    (found,) = said(diagnosed(("OOMKilled", "Error", "CrashLoopBackOff"), selector=selector))
    assert re.match("The program was killed .*because it used more memory than its limit", found.why)
    assert found.fix == MEMORY


def test_another_pod_has_its_host_port(name, said):
    (found,) = said(diagnosed(("Unschedulable",), selector=f"app={name(TAKEN)}"))
    assert found.why == "On each node, another Pod already uses its `hostPort`."
    assert found.fix == "Leave out `hostPort`: clients can reach the Pods through a Service instead."


def test_its_image_is_on_the_node_but_its_policy_asks_a_registry(name, said):
    selector = f"app={name('its image is on the node, but its policy asks a registry')}"
    (found,) = said(diagnosed(("ErrImagePull", "ImagePullBackOff"), selector=selector))
    assert found.why == (
        "The image web-app:1.0 is on the node, but `imagePullPolicy: Always` requests it from a registry before each "
        "start, and no registry provided it."
    )


def test_a_container_that_a_liveness_probe_kills_is_not_reported_as_an_exit(name, said):
    """This also holds during the back-off that follows."""
    selector = f"app={name('the liveness probe asks for a wrong path')}"
    workbook.waiting_for(selector, "CrashLoopBackOff")
    (found,) = said(diagnosed(("Unhealthy",), selector=selector))
    assert found.why == "Its liveness probe fails (GET /health on port 5000), so the kubelet restarts the container."


def test_a_program_that_is_not_in_the_image(name, said):
    reasons = ("StartError", "RunContainerError", "CrashLoopBackOff", "ContainerCannotRun", "CreateContainerError")
    (found,) = said(diagnosed(reasons, selector=f"app={name('its program is not in the image')}"))
    assert "no-such-program" in found.why and found.fix == COMMAND


def deploy(container, pod=None):
    """Create the Deployment of the web application, with these fields of its container and of its Pod changed."""
    workbook.apply(changed(container, pod))


def test_a_program_that_was_started_again_is_not_well_at_once(state, said):
    """It is ready as soon as it runs, since it has no probe. Only its first run ends."""
    first = "import os, time; os.path.exists('/notes/ran') and time.sleep(10**6); open('/notes/ran', 'w'); raise SystemExit(4)"
    container = {"command": ["python", "-c", first], "volumeMounts": [{"name": "notes", "mountPath": "/notes"}]}
    deploy(container, {"volumes": [{"name": "notes", "emptyDir": {}}]})
    workbook.restarted("app=webapp")
    assert workbook.pods(selector="app=webapp")["READY"].tolist() == ["1/1"]
    (found,) = said(workbook.diagnose("app=webapp"))
    assert found.why == "The program exits with code 4. It has printed nothing."


@pytest.fixture
def webapp():
    """The web application and its Service, which stay as they are from one test to the next if a test does not change them."""
    workbook.begin(5)


def test_nothing_is_wrong(webapp, said):
    assert repr(said(workbook.diagnose())) == "✓ No problems found."


def test_a_name_that_does_not_resolve(webapp, said):
    words = r"no answer at(.|\n)*(not known|resolution)(.|\n)*kube-dns"
    with pytest.raises(WorkbookError, match=words) as failed:
        workbook.page("http://no-such-service", inside="deployment/webapp-deployment", timeout=1)
    said(failed.value)


def test_a_port_of_this_machine_that_is_taken(webapp, said):
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(KubectlError) as refused:
        kubectl("port-forward", "--address=127.0.0.1", "service/webservice", f"{other.getsockname()[1]}:80", timeout=20)
    assert "address already in use" in str(said(refused.value))
    assert refused.value.fix == (
        "Another program on this machine uses that port. Use another port before the colon; "
        "`port_forward(…)` picks a free one automatically."
    )


def test_a_selector_that_no_label_matches(webapp, said):
    kubectl("set", "selector", "service", "webservice", "app=webap")
    assert repr(said(workbook.diagnose())) == (
        "✗ Service webservice: no endpoints\n"
        "  Why: Its selector is app=webap, and no Pod matches it.\n"
        "       The Pods' labels: app=webapp.\n"
        "  Do:  Correct the Service's `selector`, or the labels in the Pod template."
    )


def test_a_selector_that_fits_two_applications(webapp, said):
    workbook.apply("pod-two-containers.yaml")
    workbook.pods_ready("app=two-containers", 1)
    kubectl("label", "pod", "two-containers", "app=webapp", "--overwrite")
    (found,) = said(workbook.diagnose("app=webapp"))
    assert (found.subject, found.reason) == ("Service webservice", "several applications")
    assert found.why == (
        "Its selector app=webapp matches Pods of different applications, and each request goes to any of them:\n"
        "- two-containers (web-app:1.0, web-app:1.0)\n- webapp-deployment-* (web-app:1.0)"
    )


def test_a_service_that_leads_to_the_wrong_port(webapp, said):
    kubectl("patch", "service", "webservice", "--patch", '{"spec": {"ports": [{"port": 80, "targetPort": 5001}]}}')
    (found,) = said(workbook.diagnose("app=webapp"))
    assert found.why == "Its port 80 goes to port 5001 of the Pods, but the Pods declare 5000."


def test_a_rollout_that_does_not_finish(webapp, said):
    template = '{"spec": {"containers": [{"name": "webapp", "image": "web-app:9.9"}]}}'
    kubectl("patch", "deployment", "webapp-deployment", "--patch", f'{{"spec": {{"template": {template}}}}}')
    state = "Of 1 Pod(s) of its current revision, 0 are available. 1 Pod(s) of an earlier revision still serve."
    pod, rollout = said(diagnosed(("rollout not finished",)))
    assert (pod.subject, pod.reason) == (POD, "ErrImageNeverPull")
    assert rollout.subject == "Deployment webapp-deployment"
    assert rollout.why == (
        f"{state} Without progress for 600 s (`progressDeadlineSeconds`), the rollout counts as stuck."
    )
    kubectl("patch", "deployment", "webapp-deployment", "--patch", '{"spec": {"progressDeadlineSeconds": 2}}')
    *_, rollout = said(diagnosed(("ProgressDeadlineExceeded",)))
    assert rollout.why == f"Its rollout is stuck: no progress for 2 s (`progressDeadlineSeconds`). {state}"
    assert rollout.fix.endswith("`%kubectl rollout undo deployment/webapp-deployment`.")
    kubectl("rollout", "undo", "deployment/webapp-deployment")
    workbook.rollout_status("webapp-deployment")
    assert not workbook.diagnose("app=webapp")


def test_a_rollout_that_is_paused(webapp, said):
    kubectl("rollout", "pause", "deployment/webapp-deployment")
    kubectl("set", "env", "deployment/webapp-deployment", "COLOR=blue")
    (found,) = said(diagnosed(("DeploymentPaused",)))
    assert found.fix == "Continue it: `%kubectl rollout resume deployment/webapp-deployment`."


def test_a_load_balancer_that_the_cluster_does_not_provide(webapp, said):
    workbook.apply("1-05-webapp-service-loadbalancer.yaml")
    (found,) = said(workbook.diagnose())
    assert (found.subject, found.reason) == ("Service webservice", "EXTERNAL-IP <pending>")
    assert found.why == "Nothing in this cluster provides load balancers, as a cloud does."


def test_pods_and_their_service_together(state, said):
    deploy({"image": "web-app:9.9"})
    workbook.apply("1-04-webapp-service.yaml")
    diagnosed(("ErrImageNeverPull",))
    found = said(workbook.diagnose())
    assert [finding.subject for finding in found] == [POD, "Service webservice"]
    assert found[1].why == "Its selector app=webapp matches 1 Pod(s), but none of them is ready."


def test_a_quota_that_forbids_the_pods(state, said):
    kubectl("create", "quota", "none", "--hard=pods=0")
    try:
        deploy({})
        (found,) = said(diagnosed(("FailedCreate",)))
        assert found.subject == "ReplicaSet webapp-deployment-*"
        assert found.why == (
            "It may not create its Pods, because of the quota none. Needed: pods=1. Used: pods=0. Allowed: pods=0."
        )
    finally:
        kubectl("delete", "quota", "none")


def test_a_quota_that_requires_limits(state, said):
    kubectl("create", "quota", "memory", "--hard=limits.memory=1Gi")
    try:
        deploy({})
        (found,) = said(diagnosed(("FailedCreate",)))
        assert found.why == (
            "It may not create its Pods, because the quota memory requires fields that are missing: "
            "limits.memory for: webapp."
        )
    finally:
        kubectl("delete", "quota", "memory")


def test_a_quota_that_forbids_the_claims_of_a_statefulset(state, said):
    kubectl("create", "quota", "none", "--hard=persistentvolumeclaims=0")
    try:
        workbook.apply("statefulset.yaml")
        (found,) = said(diagnosed(("FailedCreate",), selector="app=notes"))
        assert found.subject == "StatefulSet notes"
        assert found.why == (
            "It may not create its Pods, because of the quota none. Needed: persistentvolumeclaims=1. "
            "Used: persistentvolumeclaims=0. Allowed: persistentvolumeclaims=0."
        )
    finally:
        kubectl("delete", "quota", "none")


def test_a_policy_that_forbids_the_pods(state, said):
    label = "pod-security.kubernetes.io/enforce"
    kubectl("label", "namespace", "workbook", f"{label}=restricted")
    try:
        deploy({})
        (found,) = said(diagnosed(("FailedCreate",)))
        first, *rules = found.why.splitlines()
        assert first.startswith('It may not create its Pods: each violates PodSecurity "restricted:')
        assert rules[0] == (
            '- allowPrivilegeEscalation != false (container "webapp" must set '
            "securityContext.allowPrivilegeEscalation=false)"
        )
        assert len(rules) == 4
    finally:
        kubectl("label", "namespace", "workbook", f"{label}-")


def test_a_node_port_that_is_taken(webapp, said):
    workbook.apply("1-05-webapp-service-loadbalancer.yaml")
    taken = workbook.show("manifests/1-05-webapp-service-loadbalancer.yaml").replace("webservice", "second")
    port = kubectl("get", "service", "webservice", "-o", "jsonpath={.spec.ports[0].nodePort}")
    with pytest.raises(KubectlError) as refused:
        workbook.apply(taken.replace("port: 80\n", f"port: 80\n      nodePort: {port}\n"))
    assert said(refused.value).fix == (
        "Another Service uses that node port. Use another, or leave out `nodePort` to get a free one."
    )
