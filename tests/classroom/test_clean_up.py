"""Cleaning up after a class on a real cluster: it can be interrupted at each step, and removes only what was made."""

import pytest

import workbook
from tests.existing.learners import ADA, BOB, instructing, kubectl
from workbook.base.errors import WorkbookError
from workbook.classroom import learners
from workbook.classroom.administrator import Administrator
from workbook.cluster.current import current

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
LOOK = (
    "namespaces,clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings,"
    "mutatingadmissionpolicies,mutatingadmissionpolicybindings"
)


def there():
    """The names of what a cluster has outside of namespaces, and of what kube-system has."""
    words = (
        ("get", LOOK, "-o", "name"),
        ("get", "rolebindings,daemonsets,serviceaccounts", "-n", "kube-system", "-o", "name"),
    )
    found = set()
    for each in words:
        status, said = kubectl(current().kubeconfig, *each)
        assert status == 0, said
        found |= set(said.split())
    return found


@pytest.fixture
def instructor(tmp_path):
    """The instructor of a class on the tests' cluster, on which others have a namespace."""
    if current().provider != "kind":
        pytest.skip("the class is on a kind cluster")
    workbook.begin(0)
    assert kubectl(current().kubeconfig, "create", "namespace", "theirs")[0] == 0
    with instructing(current(), tmp_path / "handed-out"):
        yield
        learners.delete()
    assert kubectl(current().kubeconfig, "delete", "namespace", "theirs")[0] == 0


@pytest.mark.parametrize("step", range(7))
def test_an_interrupted_deletion_continues_and_leaves_what_it_did_not_make(instructor, monkeypatch, step):
    before = there()
    learners.classroom(ADA, BOB)
    assert kubectl(current().kubeconfig, "create", "namespace", f"{ADA}-other")[0] == 0
    steps, run = [], Administrator.run

    def interrupted(self, *words, **options):
        steps.append(words)
        if len(steps) == step + 1:
            raise KeyboardInterrupt
        return run(self, *words, **options)

    monkeypatch.setattr(Administrator, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learners.delete()
    monkeypatch.undo()
    assert there() != before
    learners.delete()
    assert there() == before


def test_a_learner_who_leaves_takes_only_their_own(instructor):
    learners.classroom(ADA, BOB)
    with pytest.raises(WorkbookError, match="'theirs' was not created for a learner"):
        learners.delete("theirs")
    learners.delete(ADA)
    left = {name for name in there() if ADA in name or BOB in name}
    assert left == {
        f"namespace/{BOB}",
        f"clusterrole.rbac.authorization.k8s.io/workbook-{BOB}-other",
        f"clusterrolebinding.rbac.authorization.k8s.io/workbook-{BOB}",
        f"clusterrolebinding.rbac.authorization.k8s.io/workbook-{BOB}-other",
        f"rolebinding.rbac.authorization.k8s.io/workbook-{BOB}",
    }


def test_a_namespace_of_others_is_refused(instructor):
    with pytest.raises(WorkbookError, match="'theirs' already exists"):
        learners.classroom("theirs")
    assert kubectl(current().kubeconfig, "label", "namespace", "theirs", "workbook=mine")[0] == 0
    with pytest.raises(WorkbookError, match="'theirs' already exists"):
        learners.classroom("theirs")
