"""The reader's logins to image registries, from the Docker configuration.

Public images need no login. So a credential helper that is missing, fails or hangs is not an error: images are then pulled
without a login, and `problem` names the helper if a registry requires a login.
"""

import json
import shutil
import subprocess
from typing import Any

from docker import DockerClient
from docker.auth import INDEX_NAME, INDEX_URL, TOKEN_USERNAME, AuthConfig
from docker.utils.config import find_config_file

from workbook.base.log import LOG
from workbook.base.processes import end

PATIENCE = 4  # seconds that a helper has to answer
NO_LOGIN = "credentials not found in native keychain"  # part of the helpers' protocol


class Logins(AuthConfig):
    """The logins of a Docker configuration, in the form that the SDK expects.

    `broken` maps the name of a faulty helper to its fault; such a helper is not asked again.
    """

    def __init__(self, configured: AuthConfig) -> None:
        super().__init__(configured)
        self.broken: dict[str, str] = {}

    @property
    def is_empty(self) -> bool:
        """Always False: otherwise the SDK would read the configuration again."""
        return False

    def get_all_credentials(self) -> dict[str, Any]:
        """Return the logins for a build: none, because the engine already has the base images."""
        return {}

    def resolve_authconfig(self, registry: str | None = None) -> dict[str, Any] | None:
        """Return the login to a registry; None if there is none."""
        helper = self.get_credential_store(registry)
        if helper and helper not in self.broken:
            try:
                if answer := _ask(helper, registry or INDEX_NAME):
                    return answer
            except _HelperError as error:
                self.broken[helper] = f"docker-credential-{helper} {error}"
                LOG.debug("%s: images are pulled without a login", self.broken[helper])
        login: dict[str, Any] | None = AuthConfig({"auths": self.auths}).resolve_authconfig(registry)
        return login


class _HelperError(Exception):
    """A credential helper's failure."""


def configuration() -> str:
    """Return the path of the Docker configuration; empty if there is none."""
    return str(find_config_file() or "")


def use(engine: DockerClient) -> None:
    """Make the SDK use `Logins` for the reader's logins, so that no credential helper can block it."""
    engine.api._auth_configs = Logins(engine.api._auth_configs)  # type: ignore[attr-defined]


def problem(engine: DockerClient, registry: str = INDEX_NAME) -> str:
    """Return the fault of a registry's credential helper, starting with the helper's name; empty if it works.

    Args:
        engine: an engine from `connect`.
        registry: its `host:port`; Docker Hub by default.
    """
    logins: Logins = engine.api._auth_configs  # type: ignore[attr-defined]
    logins.resolve_authconfig(registry)
    return logins.broken.get(logins.get_credential_store(registry) or "", "")


def _ask(helper: str, registry: str) -> dict[str, Any] | None:
    """Ask a helper for its login to a registry, in the SDK's form; None if it has none.

    Documentation: https://github.com/docker/docker-credential-helpers#development
    """
    if not (program := shutil.which(f"docker-credential-{helper}")):
        raise _HelperError("is not installed")
    server, pipe = INDEX_URL if registry == INDEX_NAME else registry, subprocess.PIPE
    try:
        with subprocess.Popen([program, "get"], stdin=pipe, stdout=pipe, stderr=pipe) as process:
            try:
                output = process.communicate(server.encode(), timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                end(process)  # with its children
                raise _HelperError(f"did not answer within {PATIENCE} s") from None
    except OSError as error:
        raise _HelperError(f"does not run: {error}") from error
    printed, errors = (text.decode(errors="replace") for text in output)
    if process.returncode:
        if NO_LOGIN in printed:
            return None
        raise _HelperError(f"failed: {f'{printed} {errors}'.strip() or f'exit status {process.returncode}'}")
    try:
        answer = json.loads(printed)
        name, secret = answer["Username"], answer["Secret"]
    except (ValueError, LookupError, TypeError) as error:  # the output may be a password, so the error does not show it
        raise _HelperError("printed no login") from error
    if not name and not secret:
        return None
    return {"ServerAddress": server} | (
        {"IdentityToken": secret} if name == TOKEN_USERNAME else {"Username": name, "Password": secret}
    )
