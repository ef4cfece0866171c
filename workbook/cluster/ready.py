"""The last steps of every provider's start: write the workbook's kubeconfig, and wait until the cluster is usable."""

from collections.abc import Callable, Iterable
from contextlib import suppress

from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.steps import step
from workbook.cluster.choose import Provider
from workbook.cluster.protocol import Cluster
from workbook.kube import kubeconfig, kubectl
from workbook.kube.client import Api, wait_for_api
from workbook.kube.objects import Object, condition, containers, takes_pods, waiting_reasons
from workbook.kube.watch import follow

# https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files
MORE_INOTIFY = "`sudo sysctl fs.inotify.max_user_instances=512`"
INOTIFY = (
    "Each cluster uses about 25 inotify instances, and Linux usually allows 128 in all, so stop other clusters. Where Docker "
    f"runs without a virtual machine, you can also raise the limit: {MORE_INOTIFY}. Then run this again."
)


def connect(cluster: Cluster, text: str, timeout: float = 180) -> Api:
    """Write the cluster's kubeconfig, and wait until its API server answers and all its nodes are Ready.

    Args:
        cluster: the cluster.
        text: the kubeconfig from its provider.
        timeout: seconds for the nodes.

    Raises:
        WorkbookError: the cluster was not ready in time.
    """
    kubeconfig.write(cluster.kubeconfig, text, cluster.context, cluster.namespace)
    api = wait_for_api(cluster)
    provide_kubectl(cluster)
    wait_for_nodes(cluster, api, timeout)
    return api


def wait_for_nodes(cluster: Cluster, api: Api, timeout: float = 180) -> None:
    """Wait until the cluster's nodes are Ready; if it should have two, until both also take Pods. Raises what `connect` raises."""
    several = cluster.settings.nodes > 1

    def met(nodes: list[Object]) -> bool:
        if several:
            # The taint of a node that was lost, or is new, stays for some seconds after the node is Ready.
            return len(nodes) >= cluster.settings.nodes and all(map(takes_pods, nodes))
        return usable(cluster, nodes)

    _wait_until(cluster, api, "nodes", None, met, "two Ready nodes" if several else "a Ready node", timeout)


def provide_kubectl(cluster: Cluster) -> None:
    """Provide terminals and kernels with a kubectl that fits a running cluster. If none fits, they use the reader's own."""
    with suppress(WorkbookError):
        kubectl.provide(cluster, cluster.kubectl())


def reach(cluster: Cluster) -> Api | None:
    """Return a connection to the cluster if it has a valid kubeconfig, its API server answers, and it is `usable`.

    It asks the API server once, and does not wait.
    """
    if not kubeconfig.is_valid(cluster):
        return None
    try:
        api = Api(cluster)
        return api if usable(cluster, api.objects("nodes", timeout=5)) else None
    except (WorkbookError, OSError):
        return None


def usable(cluster: Cluster, nodes: list[Object]) -> bool:
    """Whether all nodes are Ready. On an existing cluster, one Ready node is enough: others may be under maintenance."""
    met = any if cluster.provider is Provider.EXISTING else all
    return bool(nodes) and met(condition(node, "Ready") for node in nodes)


def settle(cluster: Cluster, api: Api, timeout: float = 180) -> None:
    """Create the namespace, and wait for its ServiceAccount and for Kubernetes' own Pods, which follow a Ready node.

    Args:
        cluster: a cluster that was started.
        api: the connection that its start returned.
        timeout: seconds.

    Raises:
        WorkbookError: they did not become ready in time, or the namespace is not the workbook's.
    """
    started = cluster.started()

    def settled(pods: list[Object]) -> bool:
        # A container's status that is older than the node's start is left over from before the restart.
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
    if cluster.provider is not Provider.EXISTING:  # on one of these, the workbook may not be allowed to see kube-system
        waits.append(("pods", "kube-system", settled, "the Pods of kube-system"))
    if all(met(api.objects(resource, namespace)) for resource, namespace, met, _ in waits):
        return
    with step("Wait for Kubernetes' own Pods"):
        for resource, namespace, met, what in waits:
            _wait_until(cluster, api, resource, namespace, met, what, timeout)


def _create_namespace(cluster: Cluster, api: Api, timeout: float) -> None:
    """Create the workbook's namespace with its label, unless it already exists with this label."""
    found = api.find("namespaces", api.namespace)
    if found and "deletionTimestamp" in found["metadata"]:
        what = f"the deletion of the Namespace {api.namespace}"
        deleted = found["metadata"]["uid"]
        _wait_until(cluster, api, "namespaces", None, lambda items: deleted not in map(_uid, items), what, timeout)
        found = None
    if not found:
        body = {"metadata": {"name": api.namespace, "labels": labels.MANAGED}}
        api.request("POST", api.path("namespaces"), body=body)
    elif not labels.is_managed(found["metadata"].get("labels", {})):
        cluster.kubeconfig.unlink()  # so that no later cell can change a namespace that is not the workbook's
        raise WorkbookError(
            f"The Namespace {api.namespace!r} does not belong to the workbook: it lacks the label {labels.SELECTOR}.",
            "The workbook deletes everything in its Namespace, so it only uses a Namespace with this label.",
            "Choose another with WORKBOOK_NAMESPACE, or let the workbook use this one: "
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
    fix = "Run this again. If it fails again, `make clean` removes the cluster and `make up` creates a new one."
    if cluster.provider is Provider.EXISTING:
        fix = "Run this again. If it fails again, ask the cluster's administrator."
    elif "too many open files" in why:
        fix = INOTIFY
    raise WorkbookError(f"The cluster started, but timed out after {timeout:.0f} s waiting for {what}.", why, fix)


def _unready(api: Api, pods: Iterable[Object]) -> str:
    """Describe why each of these Pods is not ready, in Kubernetes' words, with the last line of its log."""
    # Imported here, because the Kubernetes client loads slowly.
    from kubernetes.client.exceptions import ApiException

    lines = []
    for pod in pods:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        reasons = [waiting["reason"] for waiting in waiting_reasons(pod)] or ["not ready"]
        try:
            log = api.request("GET", f"{api.path('pods', namespace, name)}/log", query={"tailLines": "1"})
            last = log.data.decode(errors="replace").strip()
        except (ApiException, WorkbookError):
            last = ""  # the container has not started, or the node does not answer
        lines.append(f"{name}: {', '.join(reasons)}" + (f"; last line of its log: {last}" if last else ""))
    return "\n".join(lines)


def _start(pod: Object) -> str:
    """The start time of the Pod's first running container; such times sort as text."""
    running = (status["state"]["running"] for status in containers(pod) if "running" in status.get("state", {}))
    return min((state["startedAt"] for state in running), default="")


def _uid(item: Object) -> str:
    return str(item["metadata"]["uid"])
