"""Clean up after a class: delete what `workbook classroom` has created, and what learners have created in it."""

from workbook.base.errors import WorkbookError
from workbook.classroom import manifests, names, tokens
from workbook.classroom.administrator import Administrator

SHARED = "workbook=classroom"
"""The label of what all learners share: the objects of classroom/cluster.yaml, and the network plugin."""
POLICIES = "validatingadmissionpolicybindings,validatingadmissionpolicies"
MUTATING = "mutatingadmissionpolicybindings,mutatingadmissionpolicies"
PERMISSIONS = "clusterrolebindings,clusterroles"
PATIENCE = 300
"""How long a namespace may take to end, in seconds."""


def delete(administrator: Administrator, learners: tuple[str, ...] = ()) -> None:
    """Delete what was created for a class; other objects stay. After an interruption, the next call continues.

    Args:
        administrator: an administrator of the cluster.
        learners: only these; the whole class, and what it shares, if empty.

    Raises:
        WorkbookError: a name is not a learner's, or kubectl failed. Nothing is deleted in the first case.
    """
    ours = names.made(administrator)
    for learner in learners:
        if learner not in ours:
            raise WorkbookError(
                f"The Namespace {learner!r} was not created for a learner, so it is not deleted.",
                "`make classroom` deletes what it has created, and nothing else.",
                f"The learners are: {', '.join(sorted(ours)) or 'none'}.",
            )
    going = sorted(learners or ours)
    selector = f"{names.LEARNERS},workbook-learner in ({','.join(learners)})" if learners else names.LEARNERS
    # Without their permissions, learners can't create anything while their namespaces end. The namespaces come last,
    # because a next call finds the learners by them.
    _delete(administrator, "clusterrolebindings,rolebindings,clusterroles", selector, "--all-namespaces")
    if going:
        second = [f"{learner}{names.OTHER}" for learner in going]
        administrator.run("delete", "namespaces", "--ignore-not-found", "--wait=false", *second)
        words = ("delete", "namespaces", "--ignore-not-found", f"--timeout={PATIENCE}s", *second, *going)
        administrator.run(*words, timeout=PATIENCE + 60)
    for learner in going:
        tokens.file(learner).unlink(missing_ok=True)
    if not learners:
        policies = [POLICIES, MUTATING] if manifests.has_mutating_policies(administrator) else [POLICIES]
        for resources in (*policies, PERMISSIONS, "daemonsets,serviceaccounts"):
            _delete(administrator, resources, SHARED, "--all-namespaces")
    print(f"✓ {', '.join(going) or 'No learner'} deleted.")


def _delete(administrator: Administrator, resources: str, selector: str, *options: str) -> None:
    administrator.run("delete", resources, f"--selector={selector}", *options)
