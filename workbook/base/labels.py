"""The label on what the workbook creates, and may empty and delete: its namespaces, images and containers."""

from collections.abc import Mapping

MANAGED = {"app.kubernetes.io/managed-by": "workbook"}
"""Documentation: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""
SELECTOR = ",".join(f"{key}={value}" for key, value in MANAGED.items())
"""The same as a label selector."""


def is_managed(labels: Mapping[str, str]) -> bool:
    """Whether these labels say that the workbook created what has them."""
    return labels.items() >= MANAGED.items()
