"""The workbook's own kubeconfig files: written in one step, readable by their owner only, checked before use."""

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
"""The variable that keeps the reader's KUBECONFIG where the workbook's has taken its place."""


def users() -> str:
    """The reader's own KUBECONFIG, in the form for an environment: empty for kubectl's default.

    Documentation: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
    """
    chosen = os.environ.get("KUBECONFIG", "")
    if chosen and Path(chosen).is_relative_to(home()):
        return os.environ.get(USERS, "")
    # With whole paths, since kernels and terminals run in other folders.
    return os.pathsep.join(str(Path(path).absolute()) for path in chosen.split(os.pathsep) if path)


def load(path: Path) -> Section:
    """The kubeconfig at `path`, with whole paths in the place of relative ones, which start from its folder.

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
            if Path(plugin.get("command", "")).name != plugin.get("command", ""):  # else it is looked for on PATH
                plugin["command"] = str(path.parent / plugin["command"])
    return config


def used(config: Section, context: str) -> tuple[Section, Section]:
    """The cluster and the user of a context; empty where there is none."""
    names: Section = next((one["context"] for one in config.get("contexts") or [] if one["name"] == context), {})

    def find(section: str, kind: str) -> Section:
        return next((entry[kind] for entry in config.get(section) or [] if entry["name"] == names.get(kind)), {})

    return find("clusters", "cluster"), find("users", "user")


def users_own(context: str) -> tuple[Section, Section]:
    """The cluster and the user of a context in the reader's kubeconfig, of which the first file with a name counts."""
    merged: Section = {}
    for name in (users() or str(Path.home() / ".kube" / "config")).split(os.pathsep):
        if (path := Path(name)).is_file():
            for section, entries in load(path).items():
                if isinstance(entries, list):
                    merged.setdefault(section, []).extend(entries)
    return used(merged, context)


def write(path: Path, text: str, context: str, namespace: str) -> None:
    """Write `text` as the kubeconfig at `path`, with `context` and `namespace` made current.

    The file is complete or absent, with mode 0600. Certificates and keys inside `text` become files of their own
    next to it: otherwise the Kubernetes client copies them into the system's temporary folder whenever it
    connects, and leaves them there when it is killed.

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
    """Put `content` at `path` in one step; only its owner may read it and look into its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)  # it would keep its mode, and might be a link
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    part.replace(path)


def forget(path: Path) -> None:
    """Remove the kubeconfig at `path` with its certificates and keys; nothing to do when there is none."""
    for file in (path, *path.parent.glob("*.pem"), *path.parent.glob("*.kubeconfig")):
        file.unlink(missing_ok=True)


def current(path: Path) -> tuple[str, str] | None:
    """The current context and its namespace in the kubeconfig at `path`; None when it is absent or damaged."""
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
