"""The choice of the cluster that the notebooks drive: the environment's settings, and the provider chosen from them.

`minikube` is what the chapter teaches, and the default if it is installed; otherwise the default is `kind`. `existing`
works inside one namespace of a cluster that already runs. `WORKBOOK_CLUSTER` selects one of the three.
`WORKBOOK_PROFILE` names the cluster itself (default `workbook`), so that tests can have their own cluster.

This module uses only the standard library: the doctor needs it before any package is installed.
"""

import os
import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.paths import clusters
from workbook.bundle.choose import chosen
from workbook.bundle.use import Bundle

PROFILE = "WORKBOOK_PROFILE"
"""The variable with the cluster's name."""
TWO = "-two"
"""The end of the name of a cluster with two nodes. The rest is the name of the learner's own cluster."""
INSTALL_MINIKUBE = (
    "Install minikube (https://minikube.sigs.k8s.io/docs/start/), or set WORKBOOK_CLUSTER=kind to use kind instead."
)
"""The fix where minikube is missing."""


class Provider(StrEnum):
    """The program that provides the cluster."""

    MINIKUBE = "minikube"
    KIND = "kind"
    EXISTING = "existing"


class Reason(StrEnum):
    """The reason why a provider was chosen, in words for the reader."""

    REQUESTED = "WORKBOOK_CLUSTER requests it"
    REMEMBERED = "this cluster was created with it"
    INSTALLED = "it is installed, and it is what the chapter teaches"
    NOT_INSTALLED = "minikube is not installed"
    BUNDLED = "the bundle was made for it"


@dataclass(frozen=True)
class Settings:
    """The cluster's settings from the environment; fields without a variable are empty.

    `provider` is the requested one; `context`, `namespace` and `registry` are for an existing cluster; `folder` holds
    the cluster's files.
    """

    profile: str
    folder: Path
    provider: str = ""
    context: str = ""
    namespace: str = ""
    registry: str = ""
    bundle: Bundle | None = None

    @classmethod
    def from_environment(cls, profile: str = "") -> "Settings":
        """Read the settings from the variables `WORKBOOK_…`.

        Args:
            profile: a cluster's name, instead of the one in `WORKBOOK_PROFILE`.

        Raises:
            WorkbookError: the bundle that is named there is damaged; see `workbook.bundle.verify`.
        """
        name = profile or os.environ.get(PROFILE, "workbook")
        return cls(
            name,
            clusters() / name,
            os.environ.get("WORKBOOK_CLUSTER", ""),
            os.environ.get("WORKBOOK_CONTEXT", ""),
            os.environ.get("WORKBOOK_NAMESPACE", ""),
            os.environ.get("WORKBOOK_REGISTRY", ""),
            chosen(),
        )

    @property
    def nodes(self) -> int:
        """The number of nodes of a cluster that the workbook creates. The cluster's name decides: see `TWO`."""
        return 2 if self.profile.endswith(TWO) else 1

    @property
    def own(self) -> str:
        """The name of the learner's own cluster, to which a cluster with two nodes belongs."""
        return self.profile.removesuffix(TWO)


def choose(settings: Settings | None = None) -> tuple[Provider, Reason]:
    """Choose the provider for a cluster; return it with the reason.

    Args:
        settings: the cluster's settings; those of the environment when None.

    Raises:
        WorkbookError: the requested provider is unknown, or the bundle does not contain it.
    """
    settings = settings or Settings.from_environment()
    provider, reason = _preferred(settings)
    offered = Provider(settings.bundle.provider) if settings.bundle else provider
    if provider in (offered, Provider.EXISTING):
        return provider, reason
    if reason in (Reason.INSTALLED, Reason.NOT_INSTALLED):
        return offered, Reason.BUNDLED
    raise WorkbookError(
        f"The bundle contains {offered}, but this cluster needs {provider}.",
        f"{provider} was chosen because {reason}.",
        "Unset WORKBOOK_CLUSTER, remove the cluster with `make clean`, or run this without BUNDLE.",
    )


def _preferred(settings: Settings) -> tuple[Provider, Reason]:
    """The provider to use without a bundle, and the reason."""
    if settings.provider:
        if settings.provider not in set(Provider):
            raise WorkbookError(
                f"WORKBOOK_CLUSTER is {settings.provider!r}, which is not a provider.",
                fix=f"Set it to one of {', '.join(Provider)}, or unset it.",
            )
        return Provider(settings.provider), Reason.REQUESTED
    # A cluster with two nodes gets the provider of the learner's own.
    for folder in (settings.folder, settings.folder.with_name(settings.own)):
        if provider := remembered(folder):
            return provider, Reason.REMEMBERED
    if shutil.which("minikube"):
        return Provider.MINIKUBE, Reason.INSTALLED
    return Provider.KIND, Reason.NOT_INSTALLED


def remember(folder: Path, provider: Provider) -> None:
    """Store the provider that a cluster was created with. It stays in use when another one gets installed."""
    folder.mkdir(parents=True, exist_ok=True)
    _note(folder).write_text(provider, encoding="utf-8")


def remembered(folder: Path) -> Provider | None:
    """Return the provider that the cluster in this folder was created with; None if it is not known."""
    name = _note(folder).read_text(encoding="utf-8").strip() if _note(folder).exists() else ""
    return Provider(name) if name in set(Provider) else None


def _note(folder: Path) -> Path:
    return folder / "provider"
