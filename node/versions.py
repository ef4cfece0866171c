"""The versions of what node/ builds. A variable selects another Kubernetes than the default for new kind clusters."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from workbook.base.errors import WorkbookError

VARIABLE = "WORKBOOK_KUBERNETES"
"""The variable with the Kubernetes to use, such as `1.32.2`."""


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


VERSIONS: dict[str, str] = _read("versions.toml")
"""The defaults: for each part its version, and the `official` node image."""
OTHERS: list[str] = _read("others.toml")["images"]
"""The official node images of other versions, oldest first."""


def version_of(part: str) -> str:
    """Return the version of a part, such as `etcd`: for `kubernetes` the selected one, else the default.

    Raises:
        WorkbookError: the variable is not a version of Kubernetes.
    """
    return (_selected() if part == "kubernetes" else "") or VERSIONS[part]


def suffix(part: str = "kubernetes") -> str:
    """Return what distinguishes the names of results of another version of a part: `-1.32.2`; empty for the default."""
    return "" if version_of(part) == VERSIONS[part] else f"-{version_of(part)}"


def official() -> str:
    """Return kind's own node image with the selected Kubernetes: one that is pinned by its digest, or else by its tag alone."""
    if not (selected := _selected()):
        return VERSIONS["official"]
    name = f"kindest/node:v{selected}"
    return next((image for image in (VERSIONS["official"], *OTHERS) if image.startswith(f"{name}@")), name)


def _selected() -> str:
    """The Kubernetes that the variable selects; empty if it is not set."""
    selected = os.environ.get(VARIABLE, "")
    if selected and not re.fullmatch(r"1\.\d+\.\d+", selected):
        raise WorkbookError(
            f"{VARIABLE} is {selected!r}, which is not a version of Kubernetes.",
            fix="Set it to a version with three numbers, such as 1.32.2, or unset it.",
        )
    return selected
