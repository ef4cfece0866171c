"""Clean up after a class in a browser."""

from workbook.classroom.administrator import Administrator

SELECTORS = ("workbook=desk", "workbook=class")


def delete(administrator: Administrator) -> None:
    """Delete the hub, the registry, and all desks with the learners' files. Only objects with the labels of a class are deleted.

    If it is interrupted, a second run deletes the rest.

    Raises:
        WorkbookError: kubectl failed.
    """
    # First the hub, which would start desks again, then everything at once.
    administrator.run("delete", "namespaces", "--selector=workbook=class", "--wait=false", "--ignore-not-found")
    administrator.run("delete", "namespaces", "--selector=workbook=desk", "--wait=false", "--ignore-not-found")
    administrator.run("delete", "clusterrolebindings,clusterroles", "--selector=workbook=class", "--ignore-not-found")
    for selector in SELECTORS:
        administrator.run("wait", "namespaces", f"--selector={selector}", "--for=delete", "--timeout=300s")
