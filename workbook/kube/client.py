"""A connection to one cluster's API server, which uses only the workbook's own kubeconfig.

Requests use the Kubernetes client's connection and name the path themselves. The client's typed classes (`CoreV1Api` and
the like) would first load the types of all objects, which takes longer than all other imports together. The client itself
also loads slowly, so functions import it, and `make lab` opens JupyterLab without it.
"""

import gc
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlencode, urlsplit

from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import HTTPError
from yaml import YAMLError

from workbook.base.errors import WorkbookError
from workbook.base.polling import poll
from workbook.kube import kubeconfig
from workbook.kube.credentials import EXPIRED, LOG_IN, Credentials
from workbook.kube.objects import Object

if TYPE_CHECKING:
    from kubernetes.client.exceptions import ApiException

JSON = "application/json"
TABLE = f"{JSON};as=Table;v=v1;g=meta.k8s.io,{JSON}"
"""The media type of the tables that kubectl prints: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables"""
PATCH = "application/strategic-merge-patch+json"

# kubectl's word → the API group's path: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
RESOURCES = {
    **dict.fromkeys(
        ("pods", "services", "events", "configmaps", "persistentvolumeclaims", "serviceaccounts"), "/api/v1"
    ),
    **dict.fromkeys(("nodes", "namespaces"), "/api/v1"),
    **dict.fromkeys(("deployments", "replicasets", "statefulsets", "daemonsets"), "/apis/apps/v1"),
    **dict.fromkeys(("jobs", "cronjobs"), "/apis/batch/v1"),
    "endpointslices": "/apis/discovery.k8s.io/v1",
}
CLUSTER_WIDE = {"nodes", "namespaces"}

Seconds = float | tuple[float, float]
"""A limit for the whole request; or one for connecting, and one for each part of the answer."""


class Access(Protocol):
    """The data for a connection: a kubeconfig with a context, a namespace, and the cluster's name for error messages."""

    @property
    def name(self) -> str: ...
    @property
    def kubeconfig(self) -> Path: ...
    @property
    def context(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def local(self) -> bool:
        """Whether the workbook has started this cluster, on this machine."""
        ...


class Api:
    """A connection to the API server of one cluster. Threads may share it.

    Args:
        access: the cluster. Its kubeconfig is read once, here.

    Raises:
        WorkbookError: the kubeconfig is not usable, or the program that it names does not log in.
    """

    def __init__(self, access: Access) -> None:
        # Imported here: see above.
        from kubernetes import client, config
        from kubernetes.config.config_exception import ConfigException

        self.cluster, self.namespace = access.name, access.namespace
        settings = client.Configuration()
        try:
            content = kubeconfig.load(access.kubeconfig)
            cluster, user = kubeconfig.used(content, access.context)
            credentials = Credentials(cluster, dict(user), access.kubeconfig.parent)
            user.clear()
            user.update(credentials.section)
            config.load_kube_config_from_dict(content, access.context, settings, persist_config=False)
        except (ConfigException, OSError, YAMLError) as error:
            fix = "Run the notebook's `begin(…)` cell, or `make up` in a terminal: both write it again."
            raise WorkbookError(f"The kubeconfig {access.kubeconfig} cannot be used.", str(error), fix) from error

        def renew(settings: client.Configuration) -> None:
            if token := credentials.token():
                # The key's name depends on the version.
                settings.api_key.update(dict.fromkeys(settings.api_key, f"Bearer {token}"))

        cast("Any", settings).refresh_api_key_hook = renew  # the class declares it as None
        if access.local or re.match(r"https://(127\.|localhost|\[::1\])", settings.host):
            settings.proxy = None  # a proxy cannot reach the networks inside of this machine
            # The client's streams, which `port_forward` uses, read their proxies only from the environment.
            os.environ.update(bypassing_proxies(urlsplit(settings.host).hostname or ""))
        settings.retries = False  # the caller decides what to do after a failure, so the transport must not hide it
        self.configuration = settings
        connection = client.ApiClient(settings)
        self.pool = connection.rest_client.pool_manager
        self._agent = connection.default_headers

    @property
    def authorization(self) -> dict[str, str]:
        """Headers for token authentication; empty when client certificates are used."""
        # Some versions declare them as objects.
        settings = cast("dict[str, dict[str, str]]", self.configuration.auth_settings())
        return {entry["key"]: entry["value"] for entry in settings.values()}

    def path(self, resource: str, namespace: str | None = None, name: str = "") -> str:
        """Return the API path of a resource, or of one object.

        Args:
            resource: kubectl's plural word, a key of `RESOURCES`.
            namespace: a namespace; `""` for all of them; None for the connection's own.
            name: an object's name; all objects when empty.

        Raises:
            WorkbookError: unknown resource.
        """
        if resource not in RESOURCES:
            raise WorkbookError(
                f"There is no table of {resource!r}.", fix=f"Use one of {', '.join(sorted(RESOURCES))}."
            )
        within = "" if resource in CLUSTER_WIDE or namespace == "" else f"namespaces/{namespace or self.namespace}"
        return "/".join(filter(None, (RESOURCES[resource], within, resource, name)))

    def request(
        self,
        method: str,
        path: str,
        *,
        accept: str = JSON,
        query: dict[str, str] | None = None,
        body: Object | None = None,
        timeout: Seconds = 30,
        stream: bool = False,
    ) -> BaseHTTPResponse:
        """Send a request, and return the HTTP response with its whole body, not decoded.

        Args:
            method: `"GET"`, `"POST"`, `"PATCH"` or `"DELETE"`.
            path: as returned by `path`.
            accept: the media type to ask for, such as `TABLE`.
            query: the query's parameters.
            body: an object, sent as JSON.
            timeout: seconds.
            stream: for a watch: return the response while it is open, before its body is read.

        Raises:
            WorkbookError: the API server cannot be reached, or the connection breaks.
            ApiException: the API server refuses.
        """
        from kubernetes.client.exceptions import ApiException  # imported here: see above

        headers = {**self._agent, "Accept": accept, **self.authorization}
        if body is not None:
            headers["Content-Type"] = PATCH if method == "PATCH" else JSON
        bounds = Timeout(connect=timeout[0], read=timeout[1]) if isinstance(timeout, tuple) else Timeout(timeout)
        try:
            response: BaseHTTPResponse = self.pool.request(
                method,
                f"{self.configuration.host}{path}{'?' if query else ''}{urlencode(query or {})}",
                headers=headers,
                body=None if body is None else json.dumps(body),
                timeout=bounds,
                preload_content=not stream,
            )
            if response.status < 300:
                return response
            refusal = ApiException(status=response.status, reason=response.reason)
            refusal.body = response.data.decode(errors="replace")
            raise refusal
        except HTTPError as error:
            raise WorkbookError(
                f"The API server of the cluster {self.cluster!r} does not answer.",
                str(error)[:300],
                "Run the notebook's `begin(…)` cell: it starts the cluster when it is stopped.",
            ) from error

    def open_list(
        self, resource: str, namespace: str | None = None, *, accept: str = JSON, timeout: Seconds = 30, **options: Any
    ) -> BaseHTTPResponse:
        """Ask for a list or a watch of `resource`, and return the HTTP response, not decoded. That of a watch is open.

        Args:
            resource, namespace: as in `path`.
            accept, timeout: as in `request`.
            options: parameters of the API's lists, with underscores: `label_selector`, `watch`, …

        Raises:
            WorkbookError: unknown resource, or no answer from the API server.
            ApiException: the API server refuses.

        Documentation: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
        """
        query = {_camel_case(key): str(value) for key, value in options.items() if value not in ("", None)}
        path, stream = self.path(resource, namespace), bool(options.get("watch"))
        return self.request("GET", path, accept=accept, query=query, timeout=timeout, stream=stream)

    def list_objects(self, resource: str, namespace: str | None = None, **options: Any) -> Object:
        """Return the API server's list of `resource`, decoded: with `items`, or in the form that `accept` requests.

        Args: as in `open_list`.

        Raises:
            WorkbookError: unknown resource, no answer, or the API server refuses; with the API server's message.
        """
        from kubernetes.client.exceptions import ApiException  # imported here: see above

        try:
            return decode(self.open_list(resource, namespace, **options).data)
        except ApiException as error:
            if error.status == 401:
                raise expired(error) from error
            raise WorkbookError(
                f"The API server refuses to list {resource} in the Namespace {namespace or self.namespace!r}.",
                message(error),
                "Correct the Namespace or the selector. If access is forbidden, ask the cluster's administrator for it.",
            ) from error

    def objects(self, resource: str, namespace: str | None = None, **options: Any) -> list[Object]:
        """Return the objects of `resource`. Arguments and errors as for `list_objects`."""
        found: list[Object] = self.list_objects(resource, namespace, **options)["items"]
        return found

    def find(self, resource: str, name: str) -> Object | None:
        """Return the object `name` of `resource`; None if it does not exist. Errors as for `list_objects`."""
        return next(iter(self.objects(resource, field_selector=f"metadata.name={name}")), None)

    def version(self, timeout: float = 30) -> str:
        """Return the version of the API server, such as `v1.36.3`. Raises what `request` raises.

        Args:
            timeout: seconds.
        """
        answer: dict[str, str] = json.loads(self.request("GET", "/version", timeout=timeout).data)
        return answer["gitVersion"]


def wait_for_api(access: Access, timeout: float = 120) -> Api:
    """Wait until the API server answers requests that need its storage, and return a connection to it.

    Args:
        access: the cluster.
        timeout: seconds.

    Raises:
        WorkbookError: it did not answer in time.

    Documentation: https://kubernetes.io/docs/reference/using-api/health-checks/
    """
    from kubernetes.client.exceptions import ApiException  # imported here: see above

    api, problem = Api(access), ""

    def answers() -> bool:
        nonlocal problem
        try:
            api.open_list("namespaces", limit=1, timeout=5)
            return True
        except (WorkbookError, ApiException, OSError) as error:
            problem = str(error)[:300]
            return False

    try:
        poll(answers, timeout=timeout)  # there is nothing to watch until the API server answers
    except TimeoutError:
        raise WorkbookError(
            f"Timed out after {timeout:.0f} s waiting for the API server.",
            problem,
            "Run this again. If it fails again, `make clean` removes the cluster and `make up` creates a new one.",
        ) from None
    return api


def decode(data: bytes) -> Object:
    """Decode the JSON of a list, with the garbage collector off.

    The collector would repeatedly search the growing result for cycles, which JSON cannot have. For long lists, that
    search takes more time than the decoding.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        decoded: Object = json.loads(data)
        return decoded
    finally:
        if collecting:
            gc.enable()


def node_port(api: Api, service: str) -> int:
    """Return the node port of a Service's first port.

    Raises:
        WorkbookError: there is no such Service, or it has no node port.

    Documentation: https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport
    """
    found = api.find("services", service)
    if not found:
        raise WorkbookError(f"There is no Service {service!r} in this Namespace.", fix="Apply its manifest first.")
    spec = found["spec"]
    ports: list[dict[str, int]] = spec.get("ports") or [{}]  # a Service of type ExternalName needs no ports
    if port := ports[0].get("nodePort"):
        return port
    raise WorkbookError(
        f"The Service {service!r} cannot be reached from outside.",
        f"Its type is {spec['type']}, which has no node port.",
        f"Connect to {spec['externalName']}: the Service is only another name for it inside of the cluster."
        if spec["type"] == "ExternalName"
        else "Change its type to NodePort, or use `port_forward`.",
    )


def bypassing_proxies(*hosts: str) -> dict[str, str]:
    """Return the environment variables that make connections to these hosts, and to this machine itself, bypass all proxies."""
    bypassed = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")
    both = ",".join(dict.fromkeys(filter(None, [*bypassed, "127.0.0.1", "localhost", "::1", *hosts])))
    return {"no_proxy": both, "NO_PROXY": both}


def _camel_case(key: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), key)


def expired(error: "ApiException") -> WorkbookError:
    """Return the error for a reader whose login the API server no longer accepts (401)."""
    return WorkbookError(EXPIRED, f"The API server answers: {message(error)}.", LOG_IN)


def message(error: "ApiException") -> str:
    """Return the API server's message in its refusal."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (TypeError, ValueError, KeyError):
        return f"{error.status} {error.reason}"
