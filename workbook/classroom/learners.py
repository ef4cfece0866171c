"""Prepare a shared cluster for a class: a Namespace for each learner, rights in it, and a kubeconfig to hand out."""

from workbook.base.paths import ROOT
from workbook.classroom import clean_up, manifests, names, network, tokens
from workbook.classroom.administrator import Administrator


def classroom(*learners: str) -> None:
    """Prepare the cluster in the context `WORKBOOK_CONTEXT`: each learner gets a Namespace with the learner's name.

    This requires the rights of an administrator. It writes build/classroom/NAME.kubeconfig, a secret, for each learner. A
    second run renews their tokens, and continues where an interrupted one stopped.

    Raises:
        WorkbookError: `WORKBOOK_CONTEXT` is not set, a name is not valid or already used, or a command failed.

    Documentation: https://kubernetes.io/docs/concepts/security/multi-tenancy/
    """
    names.check(learners)
    administrator = Administrator.from_environment()
    names.refuse_taken(administrator, learners)
    manifests.apply_shared(administrator)
    network.enforce_policies(administrator)
    pods = manifests.ranges_of_pods(administrator)
    for learner in learners:
        manifests.apply_learner(administrator, learner, pods)
        path = tokens.hand_out(administrator, learner)
        print(f"✓ {learner}: {path.relative_to(ROOT)}\n")


def delete(*learners: str) -> None:
    """Delete what `classroom` has created on the cluster in the context `WORKBOOK_CONTEXT`, and nothing else.

    Without names, this is the whole class. After an interruption, the next call continues.

    Raises:
        WorkbookError: `WORKBOOK_CONTEXT` is not set, a name is not a learner's, or a command failed.
    """
    clean_up.delete(Administrator.from_environment(), learners)
