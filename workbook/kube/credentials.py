"""Credentials that a kubeconfig gets from a program (`exec`): it has a bounded time, and its failures are explained.

The Kubernetes client would wait for it without end, and go on as an anonymous user when it fails.

Documentation: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import base64
import json
import shlex
import shutil
from datetime import UTC, datetime
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.log import SECRET
from workbook.base.processes import CommandFailed, read
from workbook.kube import kubeconfig
from workbook.kube.kubeconfig import Section

PATIENCE = 15  # seconds that a program has to log in
REMOVED = {"gcp": "gke-gcloud-auth-plugin", "azure": "kubelogin"}
"""What kubectl no longer supports as `auth-provider`, and the program that takes its place."""
LOG_IN = (
    "Log in again in a terminal of your own, not JupyterLab's, until `kubectl get pods` works there with this context. "
    "Then run this again."
)
"""What to do about a login that has ended. JupyterLab's terminals have the workbook's kubeconfig, which is a copy."""


def login(user: Section) -> str:
    """The command, as a reader would type it, that gives a user of a kubeconfig their credentials; empty when none does.

    Values of its options that are secret are hidden.

    Raises:
        WorkbookError: the user has credentials of a kind that kubectl does not support any more.
    """
    provider = (user.get("auth-provider") or {}).get("name")
    if provider in REMOVED:
        raise WorkbookError(
            f"The kubeconfig logs in with the auth-provider {provider!r}.",
            "kubectl does not support it any more, and the workbook does not run its program.",
            f"Write the kubeconfig again with your cloud's own command; it then uses {REMOVED[provider]}.",
        )
    return shlex.join(_masked(_command(user["exec"]))) if user.get("exec") else ""


class Credentials:
    """The credentials of a user of a kubeconfig. Those that end, or are kept in a file, are asked for again.

    Args:
        cluster, user: the sections of a kubeconfig, as `kubeconfig.load` returns them.
        folder: where certificates from a program are written.

    Raises:
        WorkbookError: as `login` and `fetch`.
    """

    def __init__(self, cluster: Section, user: Section, folder: Path) -> None:
        login(user)  # refuses
        self._cluster, self._user, self._folder, self._fetched = cluster, user, folder, Section()
        self.section = self._resolve()

    def token(self) -> str | None:
        """The token that holds now; None when the user has none."""
        if "tokenFile" in self._user or _is_over(self._fetched.get("expiry")):
            self.section = self._resolve()
        return self.section.get("token")

    def _resolve(self) -> Section:
        """The user's section without a program or the file of a token: with what they give."""
        plain = {key: value for key, value in self._user.items() if key not in ("exec", "tokenFile")}
        if "tokenFile" in self._user:
            return {"token": Path(self._user["tokenFile"]).read_text(encoding="utf-8").strip()} | plain
        if self._user.get("exec"):
            self._fetched = fetch(self._user["exec"], self._cluster, self._folder)
        return plain | self._fetched


def _is_over(expiry: str | None) -> bool:
    return expiry is not None and datetime.fromisoformat(expiry) <= datetime.now(UTC)


def fetch(plugin: Section, cluster: Section, folder: Path) -> Section:
    """Run the program, and return its credentials as a section of a kubeconfig, with `expiry` if it says when they end.

    Args:
        plugin: the user's section `exec`.
        cluster: the cluster's section.
        folder: where certificates are written.

    Raises:
        WorkbookError: the program is missing, failed, did not end in time, or printed no credentials.
    """
    spec: Section = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = _described(cluster)
    info = {"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": spec}
    env = {entry["name"]: entry["value"] for entry in plugin.get("env") or []}
    program, *arguments = _command(plugin)
    shown = shlex.join(_masked([program, *arguments]))
    if not (path := shutil.which(program)):
        raise WorkbookError(
            f"The program `{program}` is not installed, with which the kubeconfig logs in to the cluster.",
            fix=plugin.get("installHint") or f"Install it, so that `{program}` is found on PATH.",
        )
    printed = ""
    try:
        printed = read([path, *arguments], env={**env, "KUBERNETES_EXEC_INFO": json.dumps(info)}, timeout=PATIENCE)
        return _section(json.loads(printed)["status"], folder)
    except CommandFailed as error:
        why = error.output.strip()[-1000:]
    except (ValueError, KeyError, TypeError):
        why = f"It printed no credentials, but: {printed.strip()[:300]}"
    raise WorkbookError(f"`{shown}` does not log in to the cluster, as the kubeconfig says.", why, LOG_IN)


def _section(status: Section, folder: Path) -> Section:
    """The credentials that a program has printed, as a section of a kubeconfig."""
    found = {"expiry": status.get("expirationTimestamp")}
    if "token" in status:
        return found | {"token": status["token"]}
    files = {"client-certificate": "clientCertificateData", "client-key": "clientKeyData"}
    for key, field in files.items():
        kubeconfig.replace(path := folder / f"login-{key}.pem", status[field].encode())
        found[key] = str(path)
    return found


def _described(cluster: Section) -> Section:
    """What a program learns about the cluster: its section, with the certificate inside, and its own extension."""
    described = {key: value for key, value in cluster.items() if key not in ("certificate-authority", "extensions")}
    if authority := cluster.get("certificate-authority"):
        described["certificate-authority-data"] = base64.b64encode(Path(authority).read_bytes()).decode()
    for entry in cluster.get("extensions") or []:
        if entry["name"] == "client.authentication.k8s.io/exec":
            described["config"] = entry["extension"]
    return described


def _command(plugin: Section) -> list[str]:
    return [plugin["command"], *(plugin.get("args") or [])]


def _masked(words: list[str]) -> list[str]:
    """The words of a command with HIDDEN in the place of each value whose option's name says that it is secret."""
    shown, secret = [], False
    for word in words:
        option, assigned, _ = word.partition("=")
        own = option.startswith("-") and SECRET.search(option) is not None
        shown.append("HIDDEN" if secret else f"{option}=HIDDEN" if own and assigned else word)
        secret = own and not assigned
    return shown
