"""Clean up after a class in a browser."""

from workbook.classroom import clean_up, names
from workbook.classroom.administrator import Administrator
from workbook.classroom.hub.objects import CLASS, DESK, DESKS


def delete(administrator: Administrator) -> None:
    """Delete a class in a browser, with the learners' namespaces and files; other objects stay.

    After an interruption, the next call continues: the desks come after the learners, who are found by them.

    Raises:
        WorkbookError: kubectl failed.
    """
    ours = names.made(administrator)
    learners = {name.removesuffix(DESK) for name in administrator.names("namespaces", DESKS)} & ours
    if learners == ours:
        clean_up.delete(administrator)  # also what learners share
    elif learners:
        clean_up.delete(administrator, tuple(sorted(learners)))
    administrator.run("delete", "clusterrolebindings,clusterroles", f"--selector={CLASS}")
    for selector in (CLASS, DESKS):  # the hub would start desks again
        wait = f"--timeout={clean_up.PATIENCE}s"
        administrator.run("delete", "namespaces", f"--selector={selector}", wait, timeout=clean_up.PATIENCE + 60)
    print("✓ The class is deleted.")
