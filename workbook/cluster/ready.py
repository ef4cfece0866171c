"""What every provider does last: write the workbook's kubeconfig, and wait until the cluster can be used."""

import json
from collections.abc import Iterable
from pathlib import Path

from kubernetes.client.exceptions import ApiException

from workbook.base.errors import WorkbookError
from workbook.base.steps import step
from workbook.cluster.choose import LABEL, OURS, Cluster
from workbook.kube import kubeconfig
from workbook.kube.client import Connection, list_raw, path_of, request, wait_for_api
from workbook.kube.objects import condition, waiting_reasons
from workbook.kube.watch import follow

# https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files
INOTIFY = (
    "Each cluster watches some 25 sets of files, and Linux gives all of them 128 together: stop other clusters, or "
    "`sudo sysctl fs.inotify.max_user_instances=512`. Then run this again."
)


def connect(path: Path, text: str, context: str, namespace: str) -> Connection:
    """Writes `text` as the workbook's kubeconfig and waits until the API server behind it is ready."""
    kubeconfig.write(path, text, context, namespace)
    return wait_for_api(path, context)


def nodes_ready(api: Connection, timeout: float = 180) -> None:
    """Waits until the cluster has nodes, all of them Ready.

    Args:
        timeout: seconds.

    Raises:
        WorkbookError: they did not get ready in time.
    """
    _until(
        "nodes",
        "",
        lambda nodes: bool(nodes) and all(condition(node, "Ready") for node in nodes),
        "a Ready node",
        api,
        timeout,
    )


def settle(ours: Cluster, timeout: float = 180) -> None:
    """Makes the Namespace, and waits for what comes after a Ready node: Kubernetes' own Pods, and the ServiceAccount.

    Args:
        ours: a cluster that was started.
        timeout: seconds.

    Raises:
        WorkbookError: they did not get ready in time, or the Namespace is somebody else's.
    """

    def settled(pods: list[dict]) -> bool:
        # What the API server says of containers older than the node is what it remembers from before.
        return bool(pods) and all(
            (condition(pod, "Ready") and _begun(pod) >= ours.started) or pod["status"].get("phase") == "Succeeded"
            for pod in pods
        )

    def usable(accounts: list[dict]) -> bool:
        # A Pod created before this one exists is refused.
        return any(account["metadata"]["name"] == "default" for account in accounts)

    api = wait_for_api(ours.kubeconfig, ours.context)
    try:
        _make_namespace(api, ours.namespace, timeout)
    except WorkbookError:
        ours.kubeconfig.unlink()  # so that no later cell can touch what is somebody else's
        raise
    waits = [("serviceaccounts", ours.namespace, usable, "the default ServiceAccount")]
    if ours.provider != "existing":  # whose own Pods are somebody else's business, and may not be ours to see
        waits.append(("pods", "kube-system", settled, "the Pods of kube-system"))
    if all(met(json.loads(list_raw(resource, where, via=api).data)["items"]) for resource, where, met, _ in waits):
        return
    with step("Wait for Kubernetes' own Pods"):
        for resource, where, met, what in waits:
            _until(resource, where, met, what, api, timeout)


def _make_namespace(api: Connection, namespace: str, timeout: float) -> None:
    """Creates the workbook's Namespace, with its label; one that has the label is left as it is, unless it is on its way out."""
    try:
        found = json.loads(request("GET", path_of("namespaces", name=namespace), via=api).data)["metadata"]
    except ApiException as error:
        if error.status != 404:
            raise
        found = None
    if found and "deletionTimestamp" in found:
        _until(
            "namespaces",
            "",
            lambda there: namespace not in [item["metadata"]["name"] for item in there],
            f"the end of the Namespace {namespace}, which is being deleted",
            api,
            timeout,
        )
        found = None
    if not found:
        body = {"metadata": {"name": namespace, "labels": OURS}}
        request("POST", path_of("namespaces"), via=api, body=body).close()
        return
    labels = found.get("labels", {})
    if not labels.items() >= OURS.items():
        raise WorkbookError(
            f"The Namespace {namespace!r} is somebody else's: it lacks the label {LABEL}.",
            "The workbook empties its Namespace, so it takes none that was not made for it.",
            f"Choose another with WORKBOOK_NAMESPACE, or give this one away: kubectl label namespace {namespace} {LABEL}",
        )


def healthy(path: Path, context: str) -> bool:
    """Whether the API server behind the kubeconfig answers and its nodes are Ready, asked once."""
    try:
        api = wait_for_api(path, context, timeout=0)
        nodes = json.loads(list_raw("nodes", None, via=api).data)["items"]
        return bool(nodes) and all(condition(node, "Ready") for node in nodes)
    except (WorkbookError, ApiException, OSError):
        return False


def _until(resource: str, namespace: str, met, what: str, api: Connection, timeout: float) -> None:
    state: dict[str, dict] = {}
    for state in follow(resource, namespace, timeout=timeout, via=api):
        if met(list(state.values())):
            return
    why = _unready(state.values(), api) if resource == "pods" else ""
    raise WorkbookError(
        f"The cluster started, but waited {timeout:.0f} s for {what} in vain.",
        why,
        INOTIFY
        if "too many open files" in why
        else "Run this again. If it stays so, `make clean` removes the cluster and `make up` makes a new one.",
    )


def _unready(pods: Iterable[dict], api: Connection) -> str:
    """Of the Pods that are not ready: what keeps them, in Kubernetes' words, and the last line they have said."""
    told = []
    for pod in pods:
        if condition(pod, "Ready") or pod["status"].get("phase") == "Succeeded":
            continue
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        reasons = [waiting["reason"] for waiting in waiting_reasons(pod)] or ["not ready"]
        try:
            log = request("GET", f"{path_of('pods', namespace, name)}/log", via=api, query={"tailLines": "1"})
            said = log.data.decode(errors="replace").strip()
        except (ApiException, WorkbookError):
            said = ""  # it has not begun, or the node does not answer
        told.append(f"{name}: {', '.join(reasons)}" + (f"; its last line: {said}" if said else ""))
    return "\n".join(told)


def _begun(pod: dict) -> str:
    """When the first of the Pod's containers started; such times sort as text."""
    return min(
        (
            status.get("state", {}).get("running", {}).get("startedAt", "")
            for status in pod["status"]["containerStatuses"]
        ),
        default="",
    )
