"""Credentials that a kubeconfig gets from a program (`exec`), with a timeout and an explanation of its failures.

The Kubernetes client would wait for the program forever, and continue as an anonymous user if it fails.

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

PATIENCE = 15  # seconds to wait for a program's login
REMOVED = {"gcp": "gke-gcloud-auth-plugin", "azure": "kubelogin"}
"""Each `auth-provider` that kubectl no longer supports → the program that replaces it."""
LOG_IN = (
    "In a class, tell your instructor, who renews your access by running `make class` or `make classroom` again. Otherwise, "
    "log in again in your own terminal (not in JupyterLab's), until `kubectl get pods` works there with this context. "
    "Then run this again."
)
"""The fix for an expired login. JupyterLab's terminals have the workbook's kubeconfig, which is a copy."""
EXPIRED = "Your access to the cluster has expired."


def login(user: Section) -> str:
    """Return the command that gets a kubeconfig user's credentials, as a reader would type it; empty if there is none.

    It hides the values of secret options.

    Raises:
        WorkbookError: the user has a type of credentials that kubectl no longer supports.
    """
    provider = (user.get("auth-provider") or {}).get("name")
    if provider in REMOVED:
        raise WorkbookError(
            f"The kubeconfig logs in with the auth-provider {provider!r}.",
            "kubectl no longer supports it, and the workbook does not run its program.",
            f"Write the kubeconfig again with your cloud's own command; it then uses {REMOVED[provider]}.",
        )
    return shlex.join(_masked(_command(user["exec"]))) if user.get("exec") else ""


class Credentials:
    """The credentials of a kubeconfig user. Credentials that expire, or are stored in a file, are renewed.

    Args:
        cluster, user: the sections of a kubeconfig, as `kubeconfig.load` returns them.
        folder: the folder for certificates from a program.

    Raises:
        WorkbookError: as for `login` and `fetch`.
    """

    def __init__(self, cluster: Section, user: Section, folder: Path) -> None:
        login(user)  # raises an error for unsupported credentials
        self._cluster, self._user, self._folder, self._fetched = cluster, user, folder, Section()
        self.section = self._resolve()

    def token(self) -> str | None:
        """Return the current token; None if the user has none."""
        if "tokenFile" in self._user or _is_over(self._fetched.get("expiry")):
            self.section = self._resolve()
        return self.section.get("token")

    def _resolve(self) -> Section:
        """The user's section, with the results of its program or token file in place of these."""
        plain = {key: value for key, value in self._user.items() if key not in ("exec", "tokenFile")}
        if "tokenFile" in self._user:
            return {"token": Path(self._user["tokenFile"]).read_text(encoding="utf-8").strip()} | plain
        if self._user.get("exec"):
            self._fetched = fetch(self._user["exec"], self._cluster, self._folder)
        return plain | self._fetched


def _is_over(expiry: str | None) -> bool:
    return expiry is not None and datetime.fromisoformat(expiry) <= datetime.now(UTC)


def fetch(plugin: Section, cluster: Section, folder: Path) -> Section:
    """Run the program, and return its credentials as a section of a kubeconfig, with `expiry` if they expire.

    Args:
        plugin: the user's section `exec`.
        cluster: the cluster's section.
        folder: the folder for certificates.

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
            f"The program `{program}`, with which the kubeconfig logs in to the cluster, is not installed.",
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
    raise WorkbookError(f"`{shown}`, from the kubeconfig, does not log in to the cluster.", why, LOG_IN)


def _section(status: Section, folder: Path) -> Section:
    """Convert the credentials that a program has printed into a section of a kubeconfig."""
    found = {"expiry": status.get("expirationTimestamp")}
    if "token" in status:
        return found | {"token": status["token"]}
    files = {"client-certificate": "clientCertificateData", "client-key": "clientKeyData"}
    for key, field in files.items():
        kubeconfig.replace(path := folder / f"login-{key}.pem", status[field].encode())
        found[key] = str(path)
    return found


def _described(cluster: Section) -> Section:
    """The cluster's description for a program: its section, with the certificate inside, and the program's extension."""
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
    """Replace the values of secret options in a command by HIDDEN. An option's name shows whether it is secret."""
    shown, secret = [], False
    for word in words:
        option, assigned, _ = word.partition("=")
        own = option.startswith("-") and SECRET.search(option) is not None
        shown.append("HIDDEN" if secret else f"{option}=HIDDEN" if own and assigned else word)
        secret = own and not assigned
    return shown
