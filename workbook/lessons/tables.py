"""Tables of what is in the cluster, as the API server itself formats them for kubectl.

The columns and the words in them (`STATUS`, `READY`, …) come from the server's Table view, so they are kubectl's
own: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables

By default a table shows only what is the same in every run; `wide=True` adds the rest: generated names in full, ages,
addresses, nodes.
"""

from typing import TypedDict, Unpack

import pandas as pd

from workbook.cluster.current import api, current
from workbook.engine.catalog import catalog
from workbook.kube.client import TABLE
from workbook.kube.objects import Object

STABLE = {
    "pods": ["READY", "STATUS", "RESTARTS"],
    "deployments": ["READY", "UP-TO-DATE", "AVAILABLE"],
    "replicasets": ["DESIRED", "CURRENT", "READY", "IMAGES"],
    "statefulsets": ["READY"],
    "services": ["TYPE", "EXTERNAL-IP", "PORT(S)"],
    "nodes": ["STATUS", "ROLES"],
    "namespaces": ["STATUS"],
    "configmaps": ["DATA"],
    "persistentvolumeclaims": ["STATUS"],
    "endpointslices": ["PORTS"],
}
"""The columns that are the same in every run, by resource; other resources have none."""
EVENT_SOURCES = {"Deployment": "deployments", "ReplicaSet": "replicasets", "Pod": "pods"}
"""The kinds of object whose events `events` shows, from owner to dependent, and their resources."""


class Options(TypedDict, total=False):
    """The options of a table; `get` describes them."""

    namespace: str | None
    selector: str
    wide: bool


def get(resource: str, *, namespace: str | None = None, selector: str = "", wide: bool = False) -> pd.DataFrame:
    """Return what `kubectl get RESOURCE` shows, as a DataFrame sorted by name.

    Args:
        resource: kubectl's plural word (`"pods"`, `"deployments"`, …).
        namespace: a namespace; `""` for all of them; None for the workbook's own.
        selector: a label selector such as `"app=webapp"`.
        wide: all of kubectl's columns (also those of `-o wide`) and full names. Otherwise the columns that are the same
            in every run, and names without their generated part: `webapp-deployment-*`.

    Returns:
        One row per object; the index is NAME, the columns are kubectl's in capitals. `RESTARTS` is a number.

    Raises:
        WorkbookError: there is no such table, no cluster, or no answer from the API server.

    Documentation: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_get/
    """
    table = api().list_objects(resource, namespace, accept=TABLE, label_selector=selector)
    columns = [column["name"].upper() for column in table["columnDefinitions"]]
    rows = table.get("rows") or []
    metadata = [row["object"]["metadata"] for row in rows]
    frame = pd.DataFrame([row["cells"] for row in rows], columns=columns)
    if "RESTARTS" in frame:
        frame["RESTARTS"] = [int(str(cell).split()[0]) for cell in frame["RESTARTS"]]
    if "IMAGES" in frame:
        frame["IMAGES"] = [",".join(map(_image, cell.split(","))) for cell in frame["IMAGES"]]
    order = [] if wide else STABLE.get(resource, [])
    if wide:
        frame = frame.drop(columns="NAME")
        if namespace == "":
            order = ["NAMESPACE"]
            frame.insert(0, "NAMESPACE", [item.get("namespace", "") for item in metadata])
    else:
        frame = frame[order]
    return named(frame, [name(item, full=wide) for item in metadata], [item["uid"] for item in metadata], order)


def named(frame: pd.DataFrame, names: list[str], uids: list[str], order: list[str]) -> pd.DataFrame:
    """The table with `names` as its index, sorted by them and then by the columns in `order`; knows each row's UID."""
    frame = frame.assign(NAME=names, UID=uids).sort_values(["NAME", *order], kind="stable").set_index("NAME")
    frame.attrs["uids"] = frame.pop("UID").tolist()  # for `compare`
    # The word NAME heads the index in the same line as the other headings, as kubectl prints it.
    return frame.rename_axis(index=None, columns="NAME")


def name(metadata: Object, full: bool = False) -> str:
    """An object's name; unless `full`, with `*` for the part that Kubernetes generated.

    Generated parts are a Pod's suffix, its ReplicaSet's template hash
    (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label), and the node's name
    at the end of a static Pod's.
    """
    whole: str = metadata["name"]
    stem: str = metadata.get("generateName", "")
    template: str = metadata.get("labels", {}).get("pod-template-hash", "")
    if full:
        return whole
    if stem:
        return stem.removesuffix(f"{template}-" if template else "") + "*"
    if template:
        return whole.removesuffix(template) + "*"
    for owner in metadata.get("ownerReferences", []):
        if owner["kind"] == "Node":
            return whole.removesuffix(owner["name"]) + "*"
    return whole


def _image(reference: str) -> str:
    """The image's name as the manifests have it, whichever registry this cluster pulls it from."""
    return reference.removeprefix(current().reference("")) or reference


def pods(**options: Unpack[Options]) -> pd.DataFrame:
    """Return what `kubectl get pods` shows: columns READY, STATUS, RESTARTS. Options and errors as for `get`.

    Documentation: https://kubernetes.io/docs/concepts/workloads/pods/
    """
    return get("pods", **options)


def deployments(**options: Unpack[Options]) -> pd.DataFrame:
    """Return what `kubectl get deployments` shows: columns READY, UP-TO-DATE, AVAILABLE. Options and errors as for `get`.

    Documentation: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
    """
    return get("deployments", **options)


def replicasets(**options: Unpack[Options]) -> pd.DataFrame:
    """Return what `kubectl get replicasets -o wide` shows: columns DESIRED, CURRENT, READY, IMAGES.

    Options and errors as for `get`.

    Documentation: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
    """
    return get("replicasets", **options)


def services(**options: Unpack[Options]) -> pd.DataFrame:
    """Return what `kubectl get services` shows: columns TYPE, EXTERNAL-IP, PORT(S). Options and errors as for `get`.

    Documentation: https://kubernetes.io/docs/concepts/services-networking/service/
    """
    return get("services", **options)


def nodes(**options: Unpack[Options]) -> pd.DataFrame:
    """Return what `kubectl get nodes` shows: columns STATUS, ROLES. Options and errors as for `get`.

    Documentation: https://kubernetes.io/docs/concepts/architecture/nodes/
    """
    return get("nodes", **options)


def events(selector: str, *, wide: bool = False) -> pd.DataFrame:
    """Return the events of the Deployments, ReplicaSets and Pods that `selector` matches now, in this order.

    Events of one kind of object are sorted by time: those of different kinds may be written at the same moment.

    Args:
        selector: a label selector such as `"app=webapp"`. Events of deleted objects are left out.
        wide: also the object's name, the event's message, and how often it occurred.

    Returns:
        One row per event; the index is the object's kind, the columns are TYPE and REASON.
        `wide` adds NAME, COUNT and MESSAGE. Events that differ only in those are one row unless `wide`.

    Raises:
        WorkbookError: no cluster, or no answer from the API server.

    Documentation: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
    """
    uids = {
        item["metadata"]["uid"]
        for resource in EVENT_SOURCES.values()
        for item in api().objects(resource, label_selector=selector)
    }
    found = [event for event in api().objects("events") if event["involvedObject"].get("uid") in uids]
    rows = [
        [
            event["involvedObject"]["kind"],
            event["type"],
            event["reason"],
            event["involvedObject"]["name"],
            event.get("count") or 1,
            event.get("message", ""),
        ]
        for event in sorted(found, key=_event_order)
    ]
    frame = pd.DataFrame(rows, columns=["OBJECT", "TYPE", "REASON", "NAME", "COUNT", "MESSAGE"])
    if not wide:
        # Whether an image had to be pulled depends on the node; `Pulled` comes in both cases.
        frame = frame.loc[frame["REASON"] != "Pulling", ["OBJECT", "TYPE", "REASON"]].drop_duplicates()
    return frame.set_index("OBJECT").rename_axis(index=None, columns="OBJECT")


def _event_order(event: Object) -> tuple[int, str, int]:
    """An event's place in the table. Older and newer versions of the Event API have the time in different fields."""
    time: str = event.get("firstTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
    seconds = time[: len("2026-01-01T00:00:00")]  # only some events have a more precise time
    rank = list(EVENT_SOURCES).index(event["involvedObject"]["kind"])
    return rank, seconds, int(event["metadata"]["resourceVersion"])


def images() -> pd.DataFrame:
    """Return the workbook's images that Pods of this cluster can use without a pull: figure 1-3.

    Returns:
        One row per image; the index is REPOSITORY, the column is TAG. Images of Kubernetes itself are left out.

    Documentation: https://kubernetes.io/docs/concepts/containers/images/
    """
    rows = sorted(image.rpartition(":")[::2] for image in current().images() if image in catalog())
    frame = pd.DataFrame(rows, columns=["REPOSITORY", "TAG"])
    return frame.set_index("REPOSITORY").rename_axis(index=None, columns="REPOSITORY")


def status() -> pd.DataFrame:
    """Return the cluster's state in one row (`minikube status`): Running, Stopped, Absent or Broken.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/status/
    """
    frame = pd.DataFrame([current().status().value], index=["cluster"], columns=["STATUS"])
    return frame.rename_axis(index=None, columns="NAME")
