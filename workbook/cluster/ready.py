"""The last steps of every provider's start: write the workbook's kubeconfig, and wait until the cluster can be used."""

from collections.abc import Callable, Iterable
from contextlib import suppress

from kubernetes.client.exceptions import ApiException

from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.steps import step
from workbook.cluster.choose import Provider
from workbook.cluster.protocol import Cluster
from workbook.kube import kubeconfig, kubectl
from workbook.kube.client import Api, wait_for_api
from workbook.kube.objects import Object, condition, containers, waiting_reasons
from workbook.kube.watch import follow

# https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files
INOTIFY = (
    "Each cluster watches some 25 sets of files, and Linux gives all of them 128 together: stop other clusters, or "
    "`sudo sysctl fs.inotify.max_user_instances=512`. Then run this again."
)


def connect(cluster: Cluster, text: str, timeout: float = 180) -> Api:
    """Write the cluster's kubeconfig, and wait until its API server answers and all its nodes are Ready.

    Args:
        cluster: which cluster.
        text: the kubeconfig that its provider gives out.
        timeout: seconds for the nodes.

    Raises:
        WorkbookError: it was not ready in time.
    """
    kubeconfig.write(cluster.kubeconfig, text, cluster.context, cluster.namespace)
    api = wait_for_api(cluster)
    provide_kubectl(cluster)
    _wait_until(cluster, api, "nodes", None, lambda nodes: usable(cluster, nodes), "a Ready node", timeout)
    return api


def provide_kubectl(cluster: Cluster) -> None:
    """Give terminals and kernels the kubectl that fits a running cluster. Without one, they have the reader's own, if any."""
    with suppress(WorkbookError):
        kubectl.provide(cluster, cluster.kubectl())


def reach(cluster: Cluster) -> Api | None:
    """A connection to the cluster if it has a valid kubeconfig, its API server answers, and its nodes are `usable`.

    The API server is asked once, without a wait.
    """
    if not kubeconfig.is_valid(cluster):
        return None
    try:
        api = Api(cluster)
        return api if usable(cluster, api.objects("nodes", timeout=5)) else None
    except (WorkbookError, OSError):
        return None


def usable(cluster: Cluster, nodes: list[Object]) -> bool:
    """Whether all nodes are Ready. On a cluster that is not the workbook's, one is enough: others may be in repair."""
    met = any if cluster.provider is Provider.EXISTING else all
    return bool(nodes) and met(condition(node, "Ready") for node in nodes)


def settle(cluster: Cluster, api: Api, timeout: float = 180) -> None:
    """Create the namespace, and wait for what follows a Ready node: Kubernetes' own Pods, and the ServiceAccount.

    Args:
        cluster: a cluster that was started.
        api: the connection that its start returned.
        timeout: seconds.

    Raises:
        WorkbookError: they did not get ready in time, or the namespace is not the workbook's.
    """
    started = cluster.started()

    def settled(pods: list[Object]) -> bool:
        # The status of a container that is older than the node's start is what the API server remembers from before.
        return bool(pods) and all(
            (condition(pod, "Ready") and _start(pod) >= started) or pod["status"].get("phase") == "Succeeded"
            for pod in pods
        )

    def usable(accounts: list[Object]) -> bool:
        # The API server refuses Pods that are created before this account.
        return any(account["metadata"]["name"] == "default" for account in accounts)

    _create_namespace(cluster, api, timeout)
    waits: list[tuple[str, str, Callable[[list[Object]], bool], str]] = [
        ("serviceaccounts", cluster.namespace, usable, "the default ServiceAccount")
    ]
    if cluster.provider is not Provider.EXISTING:  # whose own Pods the workbook may not be allowed to see
        waits.append(("pods", "kube-system", settled, "the Pods of kube-system"))
    if all(met(api.objects(resource, namespace)) for resource, namespace, met, _ in waits):
        return
    with step("Wait for Kubernetes' own Pods"):
        for resource, namespace, met, what in waits:
            _wait_until(cluster, api, resource, namespace, met, what, timeout)


def _create_namespace(cluster: Cluster, api: Api, timeout: float) -> None:
    """Create the workbook's namespace, with its label. One that has the label is left as it is."""
    found = api.find("namespaces", api.namespace)
    if found and "deletionTimestamp" in found["metadata"]:
        what = f"the end of the Namespace {api.namespace}, which is being deleted"
        deleted = found["metadata"]["uid"]
        _wait_until(cluster, api, "namespaces", None, lambda items: deleted not in map(_uid, items), what, timeout)
        found = None
    if not found:
        body = {"metadata": {"name": api.namespace, "labels": labels.MANAGED}}
        api.request("POST", api.path("namespaces"), body=body).close()
    elif not labels.is_managed(found["metadata"].get("labels", {})):
        cluster.kubeconfig.unlink()  # so that no later cell can change a namespace that is not the workbook's
        raise WorkbookError(
            f"The Namespace {api.namespace!r} is somebody else's: it lacks the label {labels.SELECTOR}.",
            "The workbook empties its Namespace, so it takes none that was not made for it.",
            "Choose another with WORKBOOK_NAMESPACE, or give this one away: "
            f"kubectl label namespace {api.namespace} {labels.SELECTOR}",
        )


def _wait_until(
    cluster: Cluster,
    api: Api,
    resource: str,
    namespace: str | None,
    met: Callable[[list[Object]], bool],
    what: str,
    timeout: float,
) -> None:
    state: dict[str, Object] = {}
    for state in follow(api, resource, namespace, timeout=timeout):
        if met(list(state.values())):
            return
    why = _unready(api, [pod for pod in state.values() if not met([pod])]) if resource == "pods" else ""
    fix = "Run this again. If it stays so, `make clean` removes the cluster and `make up` makes a new one."
    if cluster.provider is Provider.EXISTING:
        fix = "Run this again. If it stays so, ask who runs the cluster."
    elif "too many open files" in why:
        fix = INOTIFY
    raise WorkbookError(f"The cluster started, but {timeout:.0f} s were not enough for {what}.", why, fix)


def _unready(api: Api, pods: Iterable[Object]) -> str:
    """For each of these Pods: what keeps it, in Kubernetes' words, and the last line of its log."""
    lines = []
    for pod in pods:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        reasons = [waiting["reason"] for waiting in waiting_reasons(pod)] or ["not ready"]
        try:
            log = api.request("GET", f"{api.path('pods', namespace, name)}/log", query={"tailLines": "1"})
            last = log.data.decode(errors="replace").strip()
        except (ApiException, WorkbookError):
            last = ""  # the container has not started, or the node does not answer
        lines.append(f"{name}: {', '.join(reasons)}" + (f"; its last line: {last}" if last else ""))
    return "\n".join(lines)


def _start(pod: Object) -> str:
    """When the first of the Pod's running containers started; such times sort as text."""
    running = (status["state"]["running"] for status in containers(pod) if "running" in status.get("state", {}))
    return min((state["startedAt"] for state in running), default="")


def _uid(item: Object) -> str:
    return str(item["metadata"]["uid"])
