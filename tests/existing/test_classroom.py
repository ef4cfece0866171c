"""A class on one shared cluster: two learners, each with a kubeconfig of their own, and what they may not do."""

import re

import pytest

from tests import sessions
from tests.existing.learners import ADA, BOB, LEARNERS, kubectl
from workbook.base.notebooks import find
from workbook.base.paths import ROOT, clusters

pytestmark = pytest.mark.cluster

WORK = """
from workbook import apply, begin, deployments, diagnose, endpoints, page, preflight, progress, scale, service_url
for number in (3, 4, 5, 5):
    begin(number)
print(scale("webapp-deployment", 2), len(endpoints("webservice", 2)))
print(page("http://webservice", inside="deployment/webapp-deployment", until="Welcome!").status)
print(apply("1-06-database-external-name.yaml"))
print(preflight().loc["cluster", "FOUND"], repr(diagnose()))
print(deployments()["READY"].to_dict(), progress()["STEP"].tolist()[3:6])
"""


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_works_in_a_namespace_of_their_own(handed_out, name):
    done = sessions.python("-c", WORK, **handed_out[name])
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout.splitlines()[-5:]
    assert told == [
        "deployment.apps/webapp-deployment scaled 2",
        "200",
        "service/db1 created",
        "Running ✓ No problems found.",
        "{'webapp-deployment': '2/2'} ['started', 'started', 'started']",
    ]


def test_a_notebook_that_makes_a_second_namespace_runs_unchanged(handed_out):
    (path,) = find(("04",))
    done = sessions.pytest(str(path.relative_to(ROOT)), **handed_out[ADA])
    assert done.returncode == 0, done.stdout[-6000:]


MINE = ["run", "visitor", "--image=web-app:1.0", "--image-pull-policy=Never"]


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (["get", "pods", f"--namespace={BOB}"], "cannot list"),
        (["get", "secrets", f"--namespace={BOB}"], "cannot list"),
        (["get", "secrets", "--namespace=kube-system"], "cannot list"),
        (["delete", "deployments", "--all", f"--namespace={BOB}"], "cannot list"),
        (["delete", "pod", "visitor", f"--namespace={BOB}"], "cannot delete"),
        (["scale", "deployment", "webapp-deployment", "--replicas=0", f"--namespace={BOB}"], "cannot"),
        ([*MINE, f"--namespace={BOB}"], "This Namespace does not belong to you."),
        ([*MINE, "--namespace=default"], "This Namespace does not belong to you."),
        (["create", "service", "clusterip", "theirs", "--tcp=80", f"--namespace={BOB}"], "does not belong to you."),
        (["create", "token", "workbook-learner", f"--namespace={BOB}"], "cannot create"),
        (["create", "namespace", f"{BOB}-other"], "This Namespace does not belong to you."),
        (["delete", "namespace", BOB], "cannot delete"),
        (["delete", "namespace", ADA], "cannot delete"),
        (["label", "namespace", ADA, "pod-security.kubernetes.io/enforce-"], "cannot patch"),
        (["create", "rolebinding", "more", "--clusterrole=admin", "--user=me"], "cannot create"),
        (["run", "root", "--image=web-app:1.0", "--privileged"], "violates PodSecurity"),
    ],
    ids=" ".join,
)
def test_what_a_learner_may_not(handed_out, words, refused):
    status, said = kubectl(handed_out[ADA]["KUBECONFIG"], *words)
    assert status != 0 and refused in said


def test_in_the_second_namespace_there_is_room_for_one_plain_pod_and_one_plain_service_only(handed_out):
    file, other = handed_out[ADA]["KUBECONFIG"], f"--namespace={ADA}-other"
    assert kubectl(file, "create", "namespace", f"{ADA}-other")[0] == 0
    try:
        assert "the plain Pod `visitor`" in kubectl(file, "run", "another", "--image=web-app:1.0", other)[1]
        assert "the plain Pod `visitor`" in kubectl(file, *MINE, "--privileged", other)[1]
        assert kubectl(file, *MINE, other)[0] == 0
        create = ("create", "service")
        for words in (("clusterip", "another"), ("nodeport", "webservice"), ("loadbalancer", "webservice")):
            assert "the plain Service `webservice`" in kubectl(file, *create, *words, "--tcp=80", other)[1]
        assert kubectl(file, *create, "clusterip", "webservice", "--tcp=80", other)[0] == 0
    finally:
        assert kubectl(file, "delete", "namespace", f"{ADA}-other")[0] == 0


def test_the_policy_is_for_learners_only(handed_out, elsewhere):
    status, said = kubectl(elsewhere.kubeconfig, "create", "namespace", "somebody", "--dry-run=server")
    assert status == 0, said


def test_at_the_end_the_namespace_stays_with_what_the_learner_needs_to_come_back(handed_out):
    leave = "import workbook; workbook.delete_cluster(); print(workbook.status().iloc[0, 0]); workbook.begin(3)"
    done = sessions.python("-c", leave, **handed_out[BOB])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not deleted, because your user may not do that" in done.stdout and "\nAbsent\n" in done.stdout
    assert "Notebook 03 can start" in done.stdout


def test_a_renewed_kubeconfig_takes_the_place_of_one_that_is_no_longer_let_in(handed_out):
    file = clusters() / handed_out[ADA]["WORKBOOK_PROFILE"] / "kubeconfig"
    done = sessions.python("-c", "import workbook; workbook.begin(3)", **handed_out[ADA])
    file.write_text(re.sub(r"token: \S+", "token: expired", file.read_text(encoding="utf-8")), encoding="utf-8")
    done = sessions.python("-c", "import workbook; workbook.begin(3)", **handed_out[ADA])
    assert done.returncode == 0 and "Connect to" in done.stdout, done.stdout + done.stderr
