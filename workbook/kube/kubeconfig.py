"""The workbook's own kubeconfig files: written in one step, readable only by their owner, checked before use."""

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from workbook.base.errors import WorkbookError
from workbook.base.paths import home

if TYPE_CHECKING:
    from workbook.kube.client import Access

Section = dict[str, Any]
"""A section of a kubeconfig: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/"""
SECTIONS = (("clusters", "cluster"), ("users", "user"))
FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
"""The keys with paths of files."""
USERS = "WORKBOOK_USERS_KUBECONFIG"
"""The variable that keeps the reader's KUBECONFIG while the workbook's replaces it."""


def users() -> str:
    """Return the value of the reader's own KUBECONFIG; empty for kubectl's default.

    Documentation: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
    """
    chosen = os.environ.get("KUBECONFIG", "")
    if chosen and Path(chosen).is_relative_to(home()):
        return os.environ.get(USERS, "")
    # Absolute paths, since kernels and terminals run in other folders.
    return os.pathsep.join(str(Path(path).absolute()) for path in chosen.split(os.pathsep) if path)


def load(path: Path) -> Section:
    """Load the kubeconfig at `path`, and make its relative paths, which start from its folder, absolute.

    Raises:
        OSError: it cannot be read.
        YAMLError: it is damaged.
    """
    config: Section = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    for section, kind in SECTIONS:
        for entry in config.get(section) or []:
            own: Section = entry.setdefault(kind, {}) or {}
            own |= {key: str(path.parent / own[key]) for key in FILES if own.get(key)}
            plugin = own.get("exec") or {}
            program = plugin.get("command", "")
            if Path(program).name != program:  # otherwise it is searched for on PATH
                plugin["command"] = str(path.parent / program)
    return config


def used(config: Section, context: str) -> tuple[Section, Section]:
    """Return the cluster and the user of a context; empty if there is none."""
    names: Section = next((entry["context"] for entry in config.get("contexts") or [] if entry["name"] == context), {})

    def find(section: str, kind: str) -> Section:
        return next((entry[kind] for entry in config.get(section) or [] if entry["name"] == names.get(kind)), {})

    return find("clusters", "cluster"), find("users", "user")


def users_own(context: str) -> tuple[Section, Section]:
    """Return the cluster and the user of a context in the reader's kubeconfig; the first file that has a name wins."""
    merged: Section = {}
    for name in (users() or str(Path.home() / ".kube" / "config")).split(os.pathsep):
        if (path := Path(name)).is_file():
            for section, entries in load(path).items():
                if isinstance(entries, list):
                    merged.setdefault(section, []).extend(entries)
    return used(merged, context)


def write(path: Path, text: str, context: str, namespace: str) -> None:
    """Write `text` as the kubeconfig at `path`, with `context` and `namespace` as the current ones.

    The file is complete or absent, with mode 0600. Certificates and keys inside `text` become separate files next to it:
    otherwise the Kubernetes client copies them into the system's temporary folder at each connection, and leaves them
    there when it is killed.

    Raises:
        WorkbookError: `text` has no such context.
    """
    config = yaml.safe_load(text) or {}
    for entry in config.get("contexts") or []:
        if entry["name"] == context:
            entry["context"]["namespace"] = namespace
            break
    else:
        raise WorkbookError(f"The kubeconfig has no context named {context!r}.")
    config["current-context"] = context
    for section, kind in SECTIONS:
        for entry in config.get(section) or []:
            for key in [key for key in entry[kind] if key.endswith("-data")]:
                plain = path.with_name(f"{kind}-{key.removesuffix('-data')}.pem")
                replace(plain, base64.b64decode(entry[kind].pop(key)))
                entry[kind][key.removesuffix("-data")] = plain.name
    replace(path, yaml.safe_dump(config).encode())


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write `content` to `path` in one step; only the owner may read the file and list its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)  # a leftover file would keep its mode, and might be a link
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    part.replace(path)


def forget(path: Path) -> None:
    """Remove the kubeconfig at `path` with its certificates and keys, if it exists."""
    for file in (path, *path.parent.glob("*.pem"), *path.parent.glob("*.kubeconfig")):
        file.unlink(missing_ok=True)


def current(path: Path) -> tuple[str, str] | None:
    """Return the current context and its namespace in the kubeconfig at `path`; None if it is missing or damaged."""
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        context: str = config["current-context"]
        entry: dict[str, str] = next(each["context"] for each in config["contexts"] if each["name"] == context)
        return context, entry["namespace"]
    except (OSError, yaml.YAMLError, TypeError, KeyError, StopIteration):
        return None


def is_valid(access: "Access") -> bool:
    """Whether the cluster's kubeconfig exists, and its current context and namespace are the cluster's."""
    return current(access.kubeconfig) == (access.context, access.namespace)
