"""Find what is wrong with Pods and Services: the cause and the fix, in plain words.

`diagnose` reads the cluster; `findings` in workbook/diagnosis draws the conclusions, and needs no cluster.
"""

from contextlib import suppress
from datetime import UTC, datetime

from workbook.base.errors import WorkbookError
from workbook.base.polling import poll
from workbook.cluster.current import api, current
from workbook.diagnosis.conclusions import findings
from workbook.diagnosis.findings import Diagnosis, Evidence
from workbook.diagnosis.images import full_tag
from workbook.kube.objects import Object, selects
from workbook.lessons.kubectl import KubectlError, kubectl_output

LOG_LINES = 5
"""How many lines of a log a finding quotes."""
PATIENCE = 5
"""The seconds in which the kubelet's status must follow after it has removed a container."""
REMOVED = ("unable to retrieve container logs for ", "failed to try resolving symlinks in path ")
"""How the answer begins, in place of a log, if the kubelet has just removed the container: https://github.com/kubernetes/kubernetes/issues/142258"""


def diagnose(selector: str = "", *, wide: bool = False) -> Diagnosis:
    """Find out what is wrong with Pods, rollouts and Services, from their status, their events, their logs and the nodes' images.

    Args:
        selector: a label selector such as `"app=webapp"`: examine only these Pods and Deployments, and the Services that
            select the Pods; everything in the workbook's namespace when empty.
        wide: show full names of objects, instead of `*` for the generated part.

    Returns:
        A list of findings, each with `subject`, `reason`, `why` and `fix`.

    Raises:
        WorkbookError: the API server does not answer.

    Documentation: https://kubernetes.io/docs/tasks/debug/debug-application/
    """
    all_pods, services = api().objects("pods"), api().objects("services")
    pods = api().objects("pods", label_selector=selector) if selector else all_pods
    if selector:
        services = [service for service in services if any(selects(service, pod) for pod in pods)]
    evidence = Evidence(
        pods=pods,
        replicasets=api().objects("replicasets", label_selector=selector),
        statefulsets=api().objects("statefulsets", label_selector=selector),
        deployments=api().objects("deployments", label_selector=selector),
        services=services,
        all_pods=all_pods,
        events=api().objects("events"),
        images=current().images,
        log=_log,
        name_servers=_name_servers,
        architectures=_architectures,
        now=datetime.now(UTC),
    )
    return findings(evidence, wide=wide)


def _log(pod: str, container: str, previous: bool) -> str:
    options = ["--previous"] if previous else []

    def read() -> list[str]:
        log = kubectl_output("logs", pod, "-c", container, f"--tail={LOG_LINES}", *options)
        if not log.startswith(REMOVED):
            return [log]
        options.clear()  # it was removed because the next one has ended, too: read the log of that one
        return []

    with suppress(KubectlError, TimeoutError):
        return poll(read, timeout=PATIENCE)[0]
    return ""


def _name_servers() -> list[Object]:
    try:
        return api().objects("pods", "kube-system", label_selector="k8s-app=kube-dns")
    except WorkbookError:
        return []  # on a shared cluster, the user's role may not allow it


def _architectures(pod: Object, image: str) -> tuple[str, str]:
    # Imported here, because the Docker SDK loads slowly.
    from docker.errors import DockerException

    node = own = ""
    with suppress(WorkbookError, DockerException):  # on a shared cluster, some roles may not read nodes
        found = api().find("nodes", pod["spec"]["nodeName"]) or {}
        node = found.get("status", {}).get("nodeInfo", {}).get("architecture", "")
        if full_tag(image) in current().images():  # otherwise the engine does not have it, or there is no engine
            own = current().docker().images.get(image).attrs["Architecture"]
    return node, own
