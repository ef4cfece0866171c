"""What a learner tries against others, with the learner's own token: each attack is refused, and would work without the class's bounds."""

import base64
import json
import time

import pytest

from tests import summary
from tests.existing.attacks import ATTACKS, FLOODS, THROUGH_A_DEPLOYMENT, Attack, Object
from tests.existing.learners import ADA, BOB, kubectl
from workbook.base.polling import poll

pytestmark = pytest.mark.cluster
UNBOUNDED = "no-class"
"""A namespace without the bounds of a class."""


@pytest.fixture(scope="module")
def ada(handed_out):
    """A function that runs kubectl with a learner's own token."""
    return lambda *words, text=None: kubectl(handed_out[ADA]["KUBECONFIG"], *words, text=text)


@pytest.fixture(scope="module")
def administrator(elsewhere, handed_out):
    """A function that runs kubectl as an administrator. There is a namespace without bounds, and the learner's second one."""

    def run(*words, text=None):
        return kubectl(elsewhere.kubeconfig, *words, text=text)

    for namespace in (UNBOUNDED, f"{ADA}-other"):
        assert run("create", "namespace", namespace)[0] == 0
    try:
        yield run
    finally:
        assert run("delete", "namespace", UNBOUNDED, f"{ADA}-other")[0] == 0


def tried(run, namespace: str, *manifests: Object, dry: bool = True) -> tuple[int, str]:
    """Create objects in a namespace, or let the API server only check them; return the exit status and the output."""
    whole = manifests[0] if len(manifests) == 1 else {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    options = ["--dry-run=server"] if dry else []
    return run("create", f"--namespace={namespace}", "-f", "-", *options, text=json.dumps(whole))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.what)
def test_an_attack_is_refused_and_would_work_without_the_bounds(ada, administrator, attack: Attack, record_property):
    status, said = tried(administrator, UNBOUNDED, attack.manifest)
    assert status == 0, said
    status, said = tried(ada, f"{ADA}-other" if attack.second else ADA, attack.manifest)
    assert status != 0 and attack.message in said, said
    record_property("by", attack.by)


@pytest.mark.parametrize("what", FLOODS)
def test_the_quota_refuses_too_many_objects(ada, administrator, what, record_property):
    status, said = tried(administrator, UNBOUNDED, *FLOODS[what])
    assert status == 0, said
    kind, wanted = FLOODS[what][0]["kind"], len(FLOODS[what])
    try:
        status, said = tried(ada, ADA, *FLOODS[what], dry=False)
        assert status != 0 and "exceeded quota" in said
        assert 0 < said.count(" created") < wanted
    finally:
        names = [each["metadata"]["name"] for each in FLOODS[what]]
        ada("delete", kind, *names, "--ignore-not-found", "--wait=true", "--grace-period=1")
    record_property("by", "ResourceQuota")


@pytest.mark.parametrize("what", THROUGH_A_DEPLOYMENT)
def test_a_deployment_does_not_get_a_pod_that_its_learner_does_not_get(ada, administrator, what, record_property):
    manifest, message = THROUGH_A_DEPLOYMENT[what]
    status, said = tried(administrator, UNBOUNDED, manifest)
    assert status == 0, said
    failure = "jsonpath={.items[*].status.conditions[?(@.type=='ReplicaFailure')].message}"
    try:
        assert tried(ada, ADA, manifest, dry=False)[0] == 0
        poll(lambda: message in ada("get", "replicasets", "-l", "app=attack", "-o", failure)[1], timeout=30)
    finally:
        ada("delete", "deployment", "attack", "--cascade=foreground")
    record_property("by", "policy, standard or quota, at the Pod")


def token(seconds: int) -> Object:
    """A request for a token that is valid for this many seconds."""
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": seconds}}


@pytest.mark.parametrize("seconds", [600, 48 * 3600, 8760 * 3600])
@pytest.mark.parametrize("account", ["workbook-learner", "default"])
def test_a_learner_cannot_have_another_token(ada, administrator, account, seconds):
    path = f"/api/v1/namespaces/{ADA}/serviceaccounts/{account}/token"
    status, said = administrator("create", "--raw", f"{path}?dryRun=All", "-f", "-", text=json.dumps(token(seconds)))
    assert status == 0, said
    status, said = ada("create", "--raw", path, "-f", "-", text=json.dumps(token(seconds)))
    assert status != 0 and "Only the instructor can create a token" in said


def test_the_token_that_is_handed_out_ends_after_48_hours(handed_out):
    for environment in handed_out.values():
        with open(environment["KUBECONFIG"], encoding="utf-8") as file:
            payload = file.read().partition("token: ")[2].split(".")[1]
        ends = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"]
        assert 0 < ends - time.time() <= 48 * 3600


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
def test_a_learner_cannot_remove_the_bounds(ada, words, refused):
    status, said = ada(*words)
    assert status != 0 and refused in said, said


def test_what_the_chapter_needs_is_allowed(ada, administrator):
    for manifest in ("1-07-external-ip-service", "1-03-webapp-deployment", "1-05-webapp-service-loadbalancer"):
        status, said = ada("apply", "--dry-run=server", "-f", f"manifests/{manifest}.yaml")
        assert status == 0, said
        assert 'would violate PodSecurity "restricted' in said or "Deployment" not in said


def test_the_bounds_are_for_learners_only(administrator):
    for attack in ATTACKS:
        if attack.by == "admission policy" and "finalizer" not in attack.what:
            assert tried(administrator, "default", attack.manifest)[0] == 0
            break
