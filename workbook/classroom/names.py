"""The names of learners, which are also the names of their namespaces."""

import re

from workbook.base.errors import WorkbookError
from workbook.classroom.administrator import Administrator

LEARNERS = "workbook=learner"
"""The label of what classroom/learner.yaml creates: the learners' namespaces, and their permissions outside of them."""
OTHER = "-other"
"""The end of the name of the second namespace, which a learner creates in notebook 04."""


def check(learners: tuple[str, ...]) -> None:
    """Refuse a name that cannot be the name of a learner's namespace, and two learners with the same name.

    Raises:
        WorkbookError: says which name it is, and what a name may consist of.
    """
    for learner in learners:
        if not re.fullmatch(r"[a-z]([-a-z0-9]{0,40}[a-z0-9])?", learner) or learner.endswith(OTHER):
            raise WorkbookError(
                f"{learner!r} cannot be the name of a learner's Namespace.",
                f"A name starts with a lowercase letter, consists of lowercase letters, digits and dashes, and does not end in `{OTHER}`.",
                "Choose a name such as learner-1.",
            )
        if learners.count(learner) > 1:
            raise WorkbookError(
                f"Two learners have the name {learner!r}.",
                "They would share one Namespace and one kubeconfig.",
                "Give each learner a name of their own, such as learner-1 and learner-2.",
            )


def made(administrator: Administrator) -> set[str]:
    """Return the learners whose namespaces were created here: classroom/learner.yaml labels them."""
    return {name for name in administrator.names("namespaces", LEARNERS) if not name.endswith(OTHER)}


def refuse_taken(administrator: Administrator, learners: tuple[str, ...]) -> None:
    """Refuse a learner whose namespace, or second namespace, already exists and belongs to others.

    Raises:
        WorkbookError: names the namespace.
    """
    ours = made(administrator)
    existing = set(administrator.names("namespaces", "")) - ours
    for learner in learners:
        # The second namespace of a learner who was prepared before is the learner's own.
        reserved = {learner} if learner in ours else {learner, f"{learner}{OTHER}"}
        for name in sorted(reserved & existing):
            raise WorkbookError(
                f"The Namespace {name!r} already exists, and was not created for a learner.",
                "A learner may change everything in the Namespace, and cleaning up after the class deletes it.",
                "Choose another name.",
            )
