"""The instructor's kubectl: it always uses the context that `WORKBOOK_CONTEXT` names, never the current one."""

import os
from dataclasses import dataclass

from workbook.base.errors import WorkbookError
from workbook.base.processes import read, run, typed
from workbook.kube import kubeconfig
from workbook.kube.kubectl import require_kubectl


@dataclass(frozen=True)
class Administrator:
    """An administrator of a shared cluster.

    Args:
        context: the context in the administrator's kubeconfig.
    """

    context: str

    @classmethod
    def from_environment(cls) -> "Administrator":
        """Return the administrator whose context `WORKBOOK_CONTEXT` names.

        Raises:
            WorkbookError: the variable is not set.
        """
        if not (context := os.environ.get("WORKBOOK_CONTEXT")):  # the current context is not a default
            raise WorkbookError(
                "WORKBOOK_CONTEXT is not set.",
                "It names the context of the cluster on which you are an administrator.",
                "Set it to a context that `kubectl config get-contexts` lists.",
            )
        return cls(context)

    def read(self, *words: str, show: bool = False) -> str:
        """Run kubectl, and return its standard output. Raises what `processes.read` raises.

        Args:
            words: the arguments of kubectl.
            show: print the command first.
        """
        command = self._kubectl(*words)
        if show:
            print(f"$ {typed(command)}", flush=True)
        return read(command, env=self._environment())

    def run(self, *words: str, timeout: float = 600) -> str:
        """Print and run a kubectl command; return its output for people. Raises what `processes.run` raises.

        Args:
            words: the arguments of kubectl.
            timeout: seconds.
        """
        return run(self._kubectl(*words), env=self._environment(), show=True, timeout=timeout)

    def names(self, resource: str, selector: str) -> list[str]:
        """Return the names of the objects of a resource that a label selector selects, in all namespaces."""
        words = (
            "get",
            resource,
            "--all-namespaces",
            f"--selector={selector}",
            "-o",
            "jsonpath={.items[*].metadata.name}",
        )
        return self.read(*words).split()

    def _kubectl(self, *words: str) -> list[str]:
        return [require_kubectl(), "--context", self.context, *words]

    def _environment(self) -> dict[str, str]:
        """Variables for kubectl. In `make shell`, the workbook's kubeconfig replaces the administrator's."""
        own = kubeconfig.users()
        return {"KUBECONFIG": own} if own != os.environ.get("KUBECONFIG", "") else {}
