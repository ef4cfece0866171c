"""The label of the workbook's namespaces, images and containers, which the workbook may delete."""

from collections.abc import Mapping

MANAGED = {"app.kubernetes.io/managed-by": "workbook"}
"""Documentation: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""
SELECTOR = ",".join(f"{key}={value}" for key, value in MANAGED.items())
"""The same labels as a label selector."""


def is_managed(labels: Mapping[str, str]) -> bool:
    """Whether an object with these labels was created by the workbook."""
    return labels.items() >= MANAGED.items()
