"""Connections to the API server, made from the workbook's own kubeconfig and from nothing else.

Requests are sent by their path over the client's own connection. Its classes for the API (`CoreV1Api` and the like)
would do the same, but load the types of all objects first, which takes longer than all other imports together.
"""

import gc
import json
import os
import re
import time
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import HTTPError

from workbook.base.errors import WorkbookError
from workbook.cluster import choose as cluster
from workbook.kube import kubeconfig

Connection = client.ApiClient
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def connect(path: Path, context: str, accept: str | None = None) -> Connection:
    """A connection to the API server of `context` in the kubeconfig at `path`.

    `accept` replaces the kind of answer asked for, on every request of this connection:
    https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
    """
    settings = client.Configuration()
    config.load_kube_config(str(path), context, client_configuration=settings, persist_config=False)
    if re.match(r"https://(127\.|localhost|\[::1\])", settings.host):
        settings.proxy = None  # a proxy cannot reach this machine's own loopback
        _spare_loopback()
    settings.retries = False  # what to do after a failure is decided by the caller, not hidden in the transport
    connection = client.ApiClient(settings)
    if accept:
        connection.set_default_header("Accept", accept)
    return connection


def _spare_loopback() -> None:
    """Keeps this process's connections to the loopback from the proxies that the environment names.

    The client's streams (`port_forward`) take those from the environment alone.
    """
    spared = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")
    both = ",".join(dict.fromkeys(filter(None, [*spared, "127.0.0.1", "localhost", "::1"])))
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = both


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@cache
def _cached(path: Path, context: str, changed: int, pid: int, accept: str | None) -> Connection:
    return connect(path, context, accept)


def connection(accept: str | None = None) -> Connection:
    """The connection to the workbook's cluster, made anew when its kubeconfig has changed.

    Raises:
        WorkbookError: the workbook has no cluster, or the kubeconfig is not the one it wrote.
    """
    ours = cluster.current()
    if not kubeconfig.sound(ours.kubeconfig, ours.context, ours.namespace):
        raise WorkbookError(
            f"The workbook is not connected to its cluster {ours.name!r}.",
            f"{ours.kubeconfig} is absent, damaged, or points at another cluster.",
            "Run the notebook's `begin(…)` cell, or `make up` in a terminal.",
        )
    return _cached(ours.kubeconfig, ours.context, _changed(ours.kubeconfig), os.getpid(), accept)


# kubectl's word → where in the API it is: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
CORE, APPS, DISCOVERY = "/api/v1", "/apis/apps/v1", "/apis/discovery.k8s.io/v1"
RESOURCES = {
    "pods": CORE,
    "services": CORE,
    "events": CORE,
    "configmaps": CORE,
    "persistentvolumeclaims": CORE,
    "serviceaccounts": CORE,
    "nodes": CORE,
    "namespaces": CORE,
    "deployments": APPS,
    "replicasets": APPS,
    "statefulsets": APPS,
    "daemonsets": APPS,
    "endpointslices": DISCOVERY,
}
CLUSTER_WIDE = {"nodes", "namespaces"}
MERGE = "application/strategic-merge-patch+json"


def path_of(resource: str, namespace: str | None = None, name: str = "") -> str:
    """Where in the API a resource is, or the object `name` of it.

    Args:
        resource: kubectl's plural word, a key of `RESOURCES`.
        namespace: the Namespace; `""` for all of them; None for the workbook's own.
        name: an object's name; all objects when not given.
    """
    within = (
        "" if resource in CLUSTER_WIDE or namespace == "" else f"namespaces/{namespace or cluster.current().namespace}"
    )
    return "/".join(filter(None, (RESOURCES[resource], within, resource, name)))


def authorization(via: Connection) -> dict[str, str]:
    """The headers by which a connection says who it is, where it is not by a certificate."""
    return {entry["key"]: entry["value"] for entry in via.configuration.auth_settings().values()}


def request(
    method: str,
    path: str,
    *,
    via: Connection | None = None,
    accept: str | None = None,
    query: dict[str, str] | None = None,
    body: Any = None,
    timeout: float | tuple[float, float] = 30,
) -> BaseHTTPResponse:
    """Sends a request to the API server, and returns the open HTTP answer, undecoded.

    Args:
        method: `"GET"`, `"POST"` or `"PATCH"`.
        path: as of `path_of`.
        via: another connection than the workbook's.
        accept: see `connect`.
        query: what follows the path.
        body: an object, which is sent as JSON.
        timeout: seconds for the whole; or for the connection, and for each part of the answer.

    Raises:
        WorkbookError: the API server cannot be reached.
        ApiException: the API server's own refusal.
    """
    via = via or connection(accept)
    headers = {"Accept": "application/json", **via.default_headers, **authorization(via)}
    if body is not None:
        headers["Content-Type"] = MERGE if method == "PATCH" else "application/json"
    bounds = (
        Timeout(total=timeout) if isinstance(timeout, int | float) else Timeout(connect=timeout[0], read=timeout[1])
    )
    try:
        answer = via.rest_client.pool_manager.request(
            method,
            f"{via.configuration.host}{path}{'?' if query else ''}{urlencode(query or {})}",
            headers=headers,
            body=None if body is None else json.dumps(body),
            timeout=bounds,
            preload_content=False,
        )
        if answer.status < 300:
            return answer
        refused = ApiException(status=answer.status, reason=answer.reason)
        refused.body = answer.data.decode(errors="replace")
        raise refused
    except HTTPError as error:
        raise unreachable(error) from error


def list_raw(
    resource: str,
    namespace: str | None,
    *,
    accept: str | None = None,
    via: Connection | None = None,
    timeout: float | tuple[float, float] = 30,
    **options: Any,
) -> BaseHTTPResponse:
    """Calls the API server's list of `resource` and returns the open HTTP answer, undecoded.

    Args:
        resource: kubectl's plural word, a key of `RESOURCES`.
        namespace: the Namespace; `""` for all of them; None for the workbook's own.
        accept: see `connect`.
        via: another connection than the workbook's.
        timeout: as for `request`.
        options: what the API's lists take, with underscores: `label_selector`, `watch`, …

    Raises:
        WorkbookError: no such resource, or the API server cannot be reached.
        ApiException: the API server's own refusal.

    Documentation: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
    """
    if resource not in RESOURCES:
        raise WorkbookError(
            f"There is no table of {resource!r} here.", fix=f"Use one of {', '.join(sorted(RESOURCES))}."
        )
    query = {re.sub("_(.)", lambda found: found[1].upper(), key): str(value) for key, value in options.items()}
    return request("GET", path_of(resource, namespace), accept=accept, via=via, query=query, timeout=timeout)


def list_objects(resource: str, namespace: str | None = None, **options: Any) -> dict[str, Any]:
    """The API server's list of `resource`, decoded: with `items`, or in the form that `accept` asks for.

    Args: as in `list_raw`.

    Raises:
        WorkbookError: no such resource, no answer, or the API server refuses, with its own words.
    """
    try:
        return decode(list_raw(resource, namespace, **options).data)
    except ApiException as error:
        raise WorkbookError(
            f"The API server does not list {resource} in the Namespace {namespace or cluster.current().namespace!r}.",
            _message(error),
            "Correct the Namespace or the selector; if access is forbidden, ask who runs the cluster for it.",
        ) from error


def decode(data: bytes) -> dict[str, Any]:
    """The JSON of a list.

    Meanwhile the garbage collector rests: it would search the growing result for cycles again and again, of which JSON
    has none. That takes more time than all the rest, and the more so the longer the list.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return json.loads(data)
    finally:
        if collecting:
            gc.enable()


def _message(error: ApiException) -> str:
    """What the API server itself says in its refusal."""
    try:
        return json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        return f"{error.status} {error.reason}"


def node_port(service: str) -> int:
    """The node's port that leads to the first port of a Service.

    Raises:
        WorkbookError: there is no such Service, or it has no node port.

    Documentation: https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport
    """
    found = list_objects("services", field_selector=f"metadata.name={service}")["items"]
    if not found:
        raise WorkbookError(f"There is no Service {service!r} in this Namespace.", fix="Apply its manifest first.")
    if port := found[0]["spec"]["ports"][0].get("nodePort"):
        return port
    kind = found[0]["spec"]["type"]
    raise WorkbookError(
        f"The Service {service!r} cannot be reached from outside.",
        f"Its type is {kind}, which gives it no port of the node.",
        "Make it a NodePort, or use `port_forward`.",
    )


def server_version(via: Connection, timeout: float = 30) -> str:
    """The version of the API server, such as `v1.36.3`. Raises as `request` does.

    Args:
        timeout: seconds.
    """
    return json.loads(request("GET", "/version", via=via, timeout=timeout).data)["gitVersion"]


def unreachable(error: Exception) -> WorkbookError:
    """The error for an API server that does not answer."""
    return WorkbookError(
        f"The API server of the cluster {cluster.current().name!r} does not answer.",
        str(error)[:300],
        "Run the notebook's `begin(…)` cell: it starts the cluster when it is stopped.",
    )


def wait_for_api(path: Path, context: str, timeout: float = 120) -> Connection:
    """Waits until the API server says it is ready, and returns a connection to it.

    Args:
        timeout: seconds.

    Raises:
        WorkbookError: it did not get ready in time.

    Documentation: https://kubernetes.io/docs/reference/using-api/health-checks/
    """
    deadline = time.monotonic() + timeout
    reached = connect(path, context)
    while True:
        try:
            server_version(reached, timeout=5)
            list_raw("namespaces", "", via=reached, limit=1, timeout=5).close()
            return reached
        except (WorkbookError, ApiException, OSError) as error:
            if time.monotonic() > deadline:
                raise WorkbookError(
                    f"The API server did not get ready within {timeout:.0f} s.",
                    str(error)[:300],
                    "Run this again; if it fails again, `make clean` removes the cluster and `make up` makes a new one.",
                ) from error
            time.sleep(0.2)  # there is nothing to watch before the API server answers
