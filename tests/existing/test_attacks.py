"""What a learner tries against others, with the learner's own token: each attack is refused, and would work without the class's bounds."""

import base64
import json
import time
from pathlib import Path

import pytest

from tests.existing.attacks import ATTACKS, FLOODS, THROUGH_A_DEPLOYMENT, Object, needs, path, pod
from tests.existing.learners import ADA, BOB, User, asked, kubectl
from workbook.base.polling import poll
from workbook.kube.client import Api

pytestmark = pytest.mark.cluster
UNBOUNDED = "no-class"
"""A namespace without the bounds of a class."""
DRY = {"dryRun": "All"}
"""Lets the API server check a request, and change nothing: https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run"""


@pytest.fixture(scope="module")
def administrator(elsewhere, handed_out):
    """A connection of an administrator. There is a namespace without bounds, and the learner's second one."""
    api = Api(User(elsewhere.kubeconfig, elsewhere.context))
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "workbook-learner"}}
    for name in (UNBOUNDED, f"{ADA}-other"):
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        assert asked(api, "POST", "/api/v1/namespaces", namespace)[0] == 201
    assert asked(api, "POST", f"/api/v1/namespaces/{UNBOUNDED}/serviceaccounts", account)[0] == 201
    accounts = f"/api/v1/namespaces/{ADA}-other/serviceaccounts"
    poll(lambda: asked(api, "GET", f"{accounts}/default")[0] == 200, timeout=20)
    yield api
    for name in (UNBOUNDED, f"{ADA}-other"):
        assert asked(api, "DELETE", f"/api/v1/namespaces/{name}")[0] == 200


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.what)
def test_an_attack_is_refused_and_would_work_without_the_bounds(ada, administrator, attack):
    status, said = asked(administrator, "POST", path(attack.manifest, UNBOUNDED), attack.manifest, **DRY)
    assert status == 201, said
    namespace = f"{ADA}-other" if attack.second else ADA
    status, said = asked(ada, "POST", path(attack.manifest, namespace), attack.manifest, **DRY)
    assert status in (403, 422) and attack.message in said, said


def test_the_pod_of_the_second_namespace_gets_limits(ada, administrator):
    if int(json.loads(asked(ada, "GET", "/version")[1])["minor"].rstrip("+")) < 36:
        pytest.skip("Kubernetes 1.36 and newer have MutatingAdmissionPolicies")
    for manifest in (pod(), pod(needs(memory="100Gi"))):
        status, said = asked(ada, "POST", path(manifest, f"{ADA}-other"), manifest, **DRY)
        assert status == 201, said
        limits = json.loads(said)["spec"]["containers"][0]["resources"]["limits"]
        assert limits == {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "512Mi"}


@pytest.mark.parametrize("what", FLOODS)
def test_the_quota_refuses_too_many_objects(ada, administrator, what):
    manifests = FLOODS[what]
    where = path(manifests[0], ADA)
    refusals = []
    try:
        for manifest in manifests:
            status, said = asked(administrator, "POST", path(manifest, UNBOUNDED), manifest, **DRY)
            assert status == 201, said
            status, said = asked(ada, "POST", where, manifest)
            assert status == 201 or "exceeded quota" in said, said
            refusals += [said] if status != 201 else []
        assert 0 < len(refusals) < len(manifests)
    finally:
        for manifest in manifests:
            asked(ada, "DELETE", f"{where}/{manifest['metadata']['name']}", gracePeriodSeconds="0")
        poll(lambda: "attack-" not in asked(ada, "GET", where)[1], timeout=60)


@pytest.mark.parametrize("what", THROUGH_A_DEPLOYMENT)
def test_a_deployment_does_not_get_a_pod_that_its_learner_does_not_get(ada, administrator, what):
    manifest, message = THROUGH_A_DEPLOYMENT[what]
    alone = pod(name="alone") | {"spec": manifest["spec"]["template"]["spec"]}
    for each in (manifest, alone):
        status, said = asked(administrator, "POST", path(each, UNBOUNDED), each, **DRY)
        assert status == 201, said
    where = path(manifest, ADA)

    def reasons() -> list[str]:
        sets = json.loads(
            asked(ada, "GET", f"/apis/apps/v1/namespaces/{ADA}/replicasets", labelSelector="app=attack")[1]
        )
        return [each["message"] for one in sets["items"] for each in one["status"].get("conditions", [])]

    assert asked(ada, "POST", where, manifest)[0] == 201
    try:
        poll(lambda: any(message in reason for reason in reasons()), timeout=30)
    finally:
        asked(ada, "DELETE", f"{where}/attack", propagationPolicy="Foreground")
        poll(lambda: asked(ada, "GET", f"{where}/attack")[0] == 404, timeout=60)


def token(seconds: int) -> Object:
    """A request for a token that is valid for this many seconds."""
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": seconds}}


@pytest.mark.parametrize("seconds", [600, 48 * 3600, 8760 * 3600])
@pytest.mark.parametrize("account", ["workbook-learner", "default"])
def test_a_learner_cannot_have_another_token(ada, administrator, account, seconds):
    where = f"/api/v1/namespaces/{ADA}/serviceaccounts/{account}/token"
    status, said = asked(administrator, "POST", where, token(seconds), **DRY)
    assert status == 201, said
    status, said = asked(ada, "POST", where, token(seconds))
    assert status == 422 and "Only the instructor can create a token" in said, said


def test_the_token_that_is_handed_out_ends_after_48_hours(handed_out):
    for environment in handed_out.values():
        text = Path(environment["KUBECONFIG"]).read_text(encoding="utf-8")
        payload = text.partition("token: ")[2].split(".")[1]
        ends = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"]
        assert 47 * 3600 < ends - time.time() <= 48 * 3600


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (["delete", "networkpolicy", "workbook-learner"], "belong to the instructor"),
        (["delete", "resourcequota", "workbook-learner"], "cannot delete"),
        (["delete", "limitrange", "workbook-learner"], "cannot delete"),
        (["delete", "rolebinding", "workbook-learner-edit"], "cannot delete"),
        (["delete", "validatingadmissionpolicybinding", "workbook-learner"], "cannot delete"),
        (["delete", "daemonset", "workbook-network", "--namespace=kube-system"], "cannot delete"),
        (["get", "pods", "--as=system:admin"], "cannot impersonate"),
        (["get", "pods", f"--as=system:serviceaccount:{BOB}:workbook-learner"], "cannot impersonate"),
        (["get", "--raw", f"/api/v1/namespaces/{BOB}/services/http:webservice:/proxy/"], "cannot get"),
        (["create", "namespace", f"{ADA}-third"], "does not belong to you"),
        (["taint", "nodes", "--all", "mine=true:NoSchedule"], "cannot patch"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_learner_cannot_remove_the_bounds(handed_out, elsewhere, words, refused):
    status, said = kubectl(handed_out[ADA]["KUBECONFIG"], *words)
    assert status != 0 and refused in said, said


def test_what_the_chapter_needs_is_allowed(handed_out):
    for name in (
        "1-07-external-ip-service",
        "1-05-webapp-service-loadbalancer",
        "1-03-webapp-deployment",
        "statefulset",
    ):
        manifest = f"manifests/{name}.yaml"
        status, said = kubectl(handed_out[ADA]["KUBECONFIG"], "apply", "--dry-run=server", "-f", manifest)
        assert status == 0, said
    assert 'would violate PodSecurity "restricted' in said  # a terminal shows what a stricter cluster would refuse
