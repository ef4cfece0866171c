"""The rights of a learner outside of their own namespace, asked from the API server: each verb, on each resource, in each place."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.existing.learners import ADA, BOB, asked
from workbook.kube.client import Api

pytestmark = pytest.mark.cluster
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
SPECIAL = ("impersonate", "bind", "escalate", "approve", "sign", "use")
"""Verbs that only count for the resources in `NOT_LISTED`, and for roles: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#request-verb-authorization"""
NOT_LISTED = {
    "nodes/configz",
    "nodes/healthz",
    "nodes/log",
    "nodes/metrics",
    "nodes/pods",
    "nodes/stats",
    "users",
    "groups",
    "serviceaccounts",
    "userextras.authentication.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io",
    "signers.certificates.k8s.io",
}
"""Resources, with their groups, that discovery doesn't list, or that have special verbs."""
ADDRESSES = ("/metrics", "/logs", "/debug/pprof", "/configz", "/flagz", "/statusz")
"""Addresses of the API server that belong to no resource."""
EVERYBODY = {
    "create selfsubjectreviews.authentication.k8s.io",
    "create selfsubjectaccessreviews.authorization.k8s.io",
    "create selfsubjectrulesreviews.authorization.k8s.io",
    *(f"{verb} clustertrustbundles.certificates.k8s.io" for verb in ("get", "list", "watch")),
}
"""What each user of a cluster may do: ask about themselves and, on newer ones, read public certificates."""
OURS = {
    *(f"{verb} {what}" for what in ("nodes", "namespaces") for verb in ("get", "list", "watch")),
    *(f"create {what}" for what in ("namespaces", "pods", "services")),
}
"""What classroom/cluster.yaml allows in the whole cluster. Its first policy refuses each creation outside of the learner's own."""
SYSTEM = (
    *("pods", "services", "replicationcontrollers", "endpointslices.discovery.k8s.io"),
    *(f"{what}.apps" for what in ("deployments", "replicasets", "daemonsets", "statefulsets")),
    *("jobs.batch", "cronjobs.batch", "horizontalpodautoscalers.autoscaling"),
)
"""What it allows learners to read in kube-system."""
EXPECTED = {
    BOB: OURS,
    f"{BOB}-other": OURS,
    "default": OURS,
    "kube-system": OURS | {f"{verb} {what}" for what in SYSTEM for verb in ("get", "list", "watch")},
    "": OURS,
}
"""The written list: place → the rights there. The place "" is the cluster."""


def may(api: Api, verb: str, resource: str, namespace: str) -> bool:
    """Ask the API server whether the user has a right.

    Args:
        api: the user's connection.
        verb: such as `get`.
        resource: with subresource and group, such as `deployments/scale.apps`.
        namespace: a namespace; the whole cluster when empty.
    """
    name, _, group = resource.partition(".")
    kind, _, part = name.partition("/")
    attributes = {"verb": verb, "resource": kind, "subresource": part, "group": group, "namespace": namespace}
    return _allowed(api, {"resourceAttributes": attributes})


def _allowed(api: Api, spec: dict[str, object]) -> bool:
    version = "authorization.k8s.io/v1"
    body = {"apiVersion": version, "kind": "SelfSubjectAccessReview", "spec": spec}
    status, answer = asked(api, "POST", f"/apis/{version}/selfsubjectaccessreviews", body)
    assert status == 201, answer
    return bool(json.loads(answer)["status"]["allowed"])


def resources(api: Api) -> set[str]:
    """Return all resources and subresources that the API server lists, with their groups: `pods`, `deployments/scale.apps`."""
    groups = json.loads(asked(api, "GET", "/apis")[1])["groups"]
    paths = {"/api/v1": ""} | {
        f"/apis/{version['groupVersion']}": f".{group['name']}" for group in groups for version in group["versions"]
    }
    return {
        f"{each['name']}{suffix}"
        for path, suffix in paths.items()
        for each in json.loads(asked(api, "GET", path)[1])["resources"]
    }


@pytest.mark.parametrize("place", EXPECTED, ids=lambda place: place or "the cluster")
def test_outside_of_their_own_namespace_a_learner_has_only_the_rights_of_the_list(ada, place, record_property):
    listed = resources(ada)
    assert len(listed) > 100
    questions = [(verb, each) for each in listed | NOT_LISTED for verb in VERBS]
    questions += [(verb, each) for each in NOT_LISTED for verb in SPECIAL]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda question: may(ada, *question, place), questions))
    allowed = {f"{verb} {each}" for (verb, each), yes in zip(questions, answers, strict=True) if yes}
    record_property("counts", f"{len(questions)} asked, {len(allowed)} allowed")
    assert allowed - EVERYBODY == EXPECTED[place]


def test_a_learner_cannot_read_the_addresses_of_the_api_server(ada):
    for address in ADDRESSES:
        assert not _allowed(ada, {"nonResourceAttributes": {"verb": "get", "path": address}}), address


def test_in_their_own_namespace_a_learner_cannot_change_what_bounds_them(ada):
    bounds = (
        "resourcequotas",
        "limitranges",
        "roles.rbac.authorization.k8s.io",
        "rolebindings.rbac.authorization.k8s.io",
    )
    changes = ("create", "update", "patch", "delete", "deletecollection")
    assert not [f"{verb} {each}" for each in bounds for verb in changes if may(ada, verb, each, ADA)]
    assert may(ada, "create", "deployments.apps", ADA)  # the same question has another answer where it should
