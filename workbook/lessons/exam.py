"""The requirements of the final exam, notebook 14: what its application must be like, read from the cluster."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from workbook.base.errors import WorkbookError
from workbook.base.polling import poll
from workbook.cluster.current import api
from workbook.kube.objects import Object, ready, selects
from workbook.lessons.diagnose import diagnose
from workbook.lessons.dns_lookup import dns_lookup
from workbook.lessons.page import page

RESOURCES = ("deployments", "statefulsets", "replicasets", "pods", "services", "endpointslices", "configmaps")
WORKLOADS = {"page": "deployments", "time": "deployments", "archive": "statefulsets"}
"""The parts of the application, and the resource that creates their Pods."""
PATIENCE, SETTLING = 10, 5
"""Seconds until a page or a name that should be there counts as missing; and seconds for the EndpointSlices to follow."""
MEMORY = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}
MOST_MEMORY = 256 * 1024**2


@dataclass(frozen=True)
class Application:
    """The objects of a namespace, by resource, and what the parts of the application consist of."""

    objects: Mapping[str, Sequence[Object]]

    def find(self, resource: str, name: str) -> Object:
        """Return an object; an empty one if it does not exist."""
        return next((item for item in self.objects[resource] if item["metadata"]["name"] == name), {})

    def workload(self, part: str) -> Object:
        """Return the Deployment or StatefulSet of a part."""
        return self.find(WORKLOADS[part], f"clock-{part}")

    def container(self, part: str) -> dict[str, Any]:
        """Return the container in the template of a part; an empty one unless there is exactly one."""
        containers = field(self.workload(part), "spec", "template", "spec", "containers") or []
        return dict(containers[0]) if len(containers) == 1 else {}

    def image(self, part: str) -> str:
        """Return the image of a part, without a registry."""
        return str(self.container(part).get("image", "")).split("/")[-1]

    def staying(self) -> list[Object]:
        """Return all Pods, except those that are being deleted."""
        return [pod for pod in self.objects["pods"] if "deletionTimestamp" not in pod["metadata"]]

    def pods(self, part: str) -> list[Object]:
        """Return the Pods of a part: those with its labels, and without Pods that are being deleted."""
        wanted = {"app": "clock", "part": part}
        return [pod for pod in self.staying() if wanted.items() <= pod["metadata"].get("labels", {}).items()]

    def runs(self, part: str, count: int) -> bool:
        """Whether a part has exactly this number of Pods, and wants as many, and all are ready."""
        found = self.pods(part)
        wanted = field(self.workload(part), "spec", "replicas")
        return wanted == count == len(found) and all(map(ready, found))

    def service(self, part: str) -> dict[str, Any]:
        """Return the `spec` of a part's Service; an empty one if there is no such Service."""
        return dict(self.find("services", f"clock-{part}").get("spec", {}))

    def port(self, part: str) -> tuple[int | None, int | str | None]:
        """Return the only port of a part's Service, and the port of the Pods to which it leads."""
        ports = self.service(part).get("ports", [])
        return (ports[0].get("port"), ports[0].get("targetPort")) if len(ports) == 1 else (None, None)

    def endpoints(self, name: str) -> set[str]:
        """Return the names of the ready Pods behind a Service."""
        return {
            str(field(endpoint, "targetRef", "name"))
            for item in self.objects["endpointslices"]
            if item["metadata"].get("labels", {}).get("kubernetes.io/service-name") == name
            for endpoint in item.get("endpoints") or []
            if field(endpoint, "conditions", "ready") is not False
        }

    def leads_to(self, part: str, count: int) -> bool:
        """Whether the Service of a part leads to all Pods of this part and no others, and these are `count`."""
        names = {str(pod["metadata"]["name"]) for pod in self.pods(part)}
        return self.endpoints(f"clock-{part}") == names and len(names) == count

    def is_settled(self) -> bool:
        """Whether the EndpointSlices agree with the Pods; the controller that writes them follows a moment later."""
        return all(
            self.endpoints(service["metadata"]["name"])
            == {pod["metadata"]["name"] for pod in self.objects["pods"] if ready(pod) and selects(service, pod)}
            for service in self.objects["services"]
            if service["spec"].get("selector")
            and not service["spec"].get("publishNotReadyAddresses")
            and service["spec"].get("type") != "ExternalName"
        )


def field(item: Any, *path: str) -> Any:
    """Return a field of nested objects; None if a part of the path does not exist."""
    for key in path:
        item = item.get(key) if isinstance(item, Mapping) else None
    return item


def requirements() -> dict[str, bool]:
    """Read the cluster, and return for each requirement of the exam in notebook 14 whether the application meets it.

    Returns:
        The requirements in words, in the order of the specification.

    Raises:
        WorkbookError: no cluster, or no answer from the API server.

    Documentation: https://kubernetes.io/docs/concepts/configuration/overview/
    """
    found = Application({})

    def read() -> bool:
        nonlocal found
        found = Application({resource: api().objects(resource) for resource in RESOURCES})
        return found.is_settled()

    with suppress(TimeoutError):  # a Service without endpoints may stay as it is
        poll(read, timeout=SETTLING)
    return {f"{number}. {words}": holds(found) for number, (words, holds) in enumerate(REQUIREMENTS.items(), start=1)}


def _labeled(found: Application) -> bool:
    counted = sum(len(found.pods(part)) for part in WORKLOADS)
    return all(found.pods(part) for part in WORKLOADS) and counted == len(found.staying())


def _limited(found: Application) -> bool:
    for part in WORKLOADS:
        resources = found.container(part).get("resources", {})
        limits = resources.get("limits", {})
        requests = limits | resources.get("requests", {})  # a Pod without a request gets its limit as one
        if not (requests.get("cpu") and requests.get("memory") and 0 < _bytes(limits.get("memory")) <= MOST_MEMORY):
            return False
    return True


def _bytes(quantity: object) -> float:
    """Return a quantity of memory in bytes; 0 if there is none, or in another form.

    Documentation: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    matched = re.fullmatch(r"(\d+(?:\.\d+)?)([kMG]|[KMG]i|)", str(quantity))
    return float(matched[1]) * MEMORY[matched[2]] if matched else 0


def _separate(found: Application) -> bool:
    return all(
        found.endpoints(f"clock-{part}")
        and found.endpoints(f"clock-{part}") <= {pod["metadata"]["name"] for pod in found.pods(part)}
        for part in WORKLOADS
    )


def _probe(kind: str, part: str, path: str, port: int) -> Callable[[Application], bool]:
    def holds(found: Application) -> bool:
        container = found.container(part)
        if not (request := field(container, kind, "httpGet")):
            return False
        named = {item["name"]: item["containerPort"] for item in container.get("ports", []) if "name" in item}
        return bool(request.get("path", "/") == path and named.get(request["port"], request["port"]) == port)

    return holds


def _updated(found: Application) -> bool:
    uid = field(found.workload("time"), "metadata", "uid")
    images = [
        field(item, "spec", "template", "spec", "containers")[0]["image"].split("/")[-1]
        for item in found.objects["replicasets"]
        if uid in [owner["uid"] for owner in item["metadata"].get("ownerReferences", [])]
    ]
    return found.image("time") == "web-app:2.0" and {"web-app:1.0", "web-app:2.0"} <= {*images}


def _careful(found: Application) -> bool:
    replicas = field(found.workload("time"), "spec", "replicas")
    limits = field(found.workload("time"), "spec", "strategy", "rollingUpdate")
    if not limits:
        return False
    surge = _pods(limits["maxSurge"], replicas, math.ceil)
    missing = _pods(limits["maxUnavailable"], replicas, math.floor)
    if surge == missing == 0:
        missing = 1  # as Kubernetes does, since an update could not begin
    return surge <= 1 and replicas - missing >= 3


def _pods(limit: int | str, replicas: int, rounded: Callable[[float], int]) -> int:
    """Return a limit of a rolling update in Pods; a percentage is one of the replicas.

    Documentation: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
    """
    return rounded(replicas * int(limit.rstrip("%")) / 100) if isinstance(limit, str) else limit


def _address(found: Application) -> bool:
    """Whether the frontend asks the Service; a port or a longer name of the same Service is fine, too."""
    values = {item["name"]: _value(found, item) for item in found.container("page").get("env", [])}
    return bool(re.fullmatch(r"http://clock-time(\.[a-z0-9.-]+)?(:80)?/?", values.get("WEBAPP_URL", "")))


def _value(found: Application, variable: Object) -> str:
    """Return the value of an environment variable, which may come from a ConfigMap."""
    source = field(variable, "valueFrom", "configMapKeyRef") or {}
    settings = found.find("configmaps", source.get("name", ""))
    return str(variable.get("value") or field(settings, "data", source.get("key", "")) or "")


def _answers(asker: str, url: str, text: str) -> Callable[[Application], bool]:
    """Whether a Pod of the part `asker` gets a page with `text` from `url`."""

    def holds(found: Application) -> bool:
        if not any(map(ready, found.pods(asker))):
            return False  # there is no Pod that could ask
        try:
            return page(url, inside=_target(asker), until=text, timeout=PATIENCE).status == 200
        except WorkbookError:
            return False

    return holds


def _lists_both(found: Application) -> bool:
    """Whether a Pod of the part `time` gets the addresses of the archive's two Pods from the name service."""
    addresses = {str(field(pod, "status", "podIP")) for pod in found.pods("archive")}
    if found.service("archive").get("clusterIP") != "None" or not any(map(ready, found.pods("time"))):
        return False

    def same() -> bool:
        return set(dns_lookup("clock-archive", target=_target("time"))["VALUE"]) == addresses

    try:
        return len(addresses) == 2 and poll(same, timeout=PATIENCE)  # the name service keeps answers for some seconds
    except (WorkbookError, TimeoutError):
        return False


def _target(part: str) -> str:
    return f"{WORKLOADS[part].removesuffix('s')}/clock-{part}"


def _healthy(found: Application) -> bool:
    return all(found.pods(part) for part in WORKLOADS) and not diagnose()


REQUIREMENTS: dict[str, Callable[[Application], bool]] = {
    # all parts
    "Each Pod has the label app: clock, and a label part with the value page, time or archive": _labeled,
    "Each Service leads to Pods of its own part only": _separate,
    "Each container requests CPU and memory, and has a memory limit of 256 MiB or less": _limited,
    # page
    "A Deployment clock-page runs the image frontend-app:1.0": lambda found: found.image("page") == "frontend-app:1.0",
    "The page has two Pods, and both are ready": lambda found: found.runs("page", 2),
    "The environment variable WEBAPP_URL of the page is http://clock-time": _address,
    "A Pod of the page is ready when its path /health answers on port 8080": _probe(
        "readinessProbe", "page", "/health", 8080
    ),
    "A container of the page is restarted when the same path stops answering": _probe(
        "livenessProbe", "page", "/health", 8080
    ),
    "A Service clock-page can be reached from outside of the cluster, at a port of each node": lambda found: (
        found.service("page").get("type") == "NodePort"
    ),
    "The Service clock-page has port 80, and leads to both Pods": lambda found: (
        found.port("page")[0] == 80 and found.leads_to("page", 2)
    ),
    "The page shows the time": _answers("time", "http://clock-page", "current time is"),
    # time
    "A Deployment clock-time runs the image web-app:2.0": lambda found: found.image("time") == "web-app:2.0",
    "The part time has three Pods, and all are ready": lambda found: found.runs("time", 3),
    "The part time was updated from web-app:1.0": _updated,
    "An update of the part time adds at most one Pod, and leaves at least three ready": _careful,
    "A Pod of the part time is ready when its path / answers on port 5000": _probe("readinessProbe", "time", "/", 5000),
    "The kubelet asks for this path every two seconds": lambda found: (
        field(found.container("time"), "readinessProbe", "periodSeconds") == 2
    ),
    "A Service clock-time can only be reached from inside the cluster": lambda found: (
        found.service("time").get("type") == "ClusterIP" and found.service("time").get("clusterIP") != "None"
    ),
    "The Service clock-time has port 80, and leads to the three Pods": lambda found: (
        found.port("time")[0] == 80 and found.leads_to("time", 3)
    ),
    "Other Pods get the time at http://clock-time": _answers("archive", "http://clock-time", "current time is"),
    # archive
    "A StatefulSet clock-archive runs the image web-app:1.0": lambda found: found.image("archive") == "web-app:1.0",
    "Its Pods are called clock-archive-0 and clock-archive-1, and both are ready": lambda found: (
        found.runs("archive", 2)
        and {pod["metadata"]["name"] for pod in found.pods("archive")} == {"clock-archive-0", "clock-archive-1"}
    ),
    "A Service clock-archive is headless, and the StatefulSet names it in serviceName": lambda found: (
        found.service("archive").get("clusterIP") == "None"
        and field(found.workload("archive"), "spec", "serviceName") == "clock-archive"
    ),
    "The name clock-archive leads to the addresses of both Pods": _lists_both,
    "The Pod clock-archive-0 can be reached alone, at http://clock-archive-0.clock-archive:5000": _answers(
        "time", "http://clock-archive-0.clock-archive:5000", "Welcome!"
    ),
    # the rest
    "The name clock-weather stands for weather.example.com": lambda found: (
        found.service("weather").get("type") == "ExternalName"
        and found.service("weather").get("externalName", "").rstrip(".") == "weather.example.com"
    ),
    "diagnose() finds no problem": _healthy,
}
"""Each requirement, in words, and whether an application meets it. In a namespace without objects, it meets none."""
