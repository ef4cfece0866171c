"""Tables of what is in the cluster, as the API server itself draws them for kubectl.

The columns and the words in them (`STATUS`, `READY`, …) come from the server's Table view, so they are kubectl's
own: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables

By default a table holds only what is the same in every run; `wide=True` adds what is not: generated names in
full, ages, addresses, nodes.
"""

from typing import Any

import pandas as pd

from workbook.cluster.current import api, current
from workbook.engine.catalog import catalog
from workbook.kube.client import TABLE

# What is the same in every run, per resource; anything else is shown with `wide=True` only.
STABLE = {
    "pods": ["READY", "STATUS", "RESTARTS"],
    "deployments": ["READY", "UP-TO-DATE", "AVAILABLE"],
    "replicasets": ["DESIRED", "CURRENT", "READY", "IMAGES"],
    "statefulsets": ["READY"],
    "daemonsets": [],
    "services": ["TYPE", "EXTERNAL-IP", "PORT(S)"],
    "nodes": ["STATUS", "ROLES"],
    "namespaces": ["STATUS"],
    "configmaps": ["DATA"],
    "persistentvolumeclaims": ["STATUS"],
    "serviceaccounts": [],
    "endpointslices": ["PORTS"],
}


def get(resource: str, *, namespace: str | None = None, selector: str = "", wide: bool = False) -> pd.DataFrame:
    """What `kubectl get RESOURCE` shows, as a DataFrame sorted by name.

    Args:
        resource: kubectl's plural word (`"pods"`, `"deployments"`, …).
        namespace: the Namespace; `""` for all; None for the workbook's own.
        selector: a label selector such as `"app=webapp"`.
        wide: all of kubectl's columns (those of `-o wide`, too) and names in full. Otherwise the columns that are
            the same in every run, and names without their generated part: `webapp-deployment-*`.

    Returns:
        One row per object; the index is NAME, the columns are kubectl's in capitals. `RESTARTS` is a number.

    Raises:
        WorkbookError: there is no such table, no cluster, or no answer from the API server.

    Documentation: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_get/
    """
    table = api().list_objects(resource, namespace, accept=TABLE, label_selector=selector)
    columns = [column["name"].upper() for column in table["columnDefinitions"]]
    rows = table.get("rows") or []
    frame = pd.DataFrame([row["cells"] for row in rows], columns=columns)
    names = [name(row["object"]["metadata"], full=wide) for row in rows]
    if "RESTARTS" in frame:
        frame["RESTARTS"] = [int(str(cell).split()[0]) for cell in frame["RESTARTS"]]
    if "IMAGES" in frame:
        frame["IMAGES"] = [",".join(map(_image, cell.split(","))) for cell in frame["IMAGES"]]
    if wide:
        frame = frame.drop(columns="NAME")
        order = ["NAMESPACE"] if namespace == "" else []
        if order:
            frame.insert(0, "NAMESPACE", [row["object"]["metadata"].get("namespace", "") for row in rows])
    else:
        order = STABLE[resource]
        frame = frame[order]
    return named(frame, names, [row["object"]["metadata"]["uid"] for row in rows], order)


def named(frame: pd.DataFrame, names: list[str], uids: list[str], order: list[str]) -> pd.DataFrame:
    """`frame` with `names` as its index, sorted by name and then by the columns in `order`; knows each row's UID."""
    frame = frame.assign(NAME=names, UID=uids).sort_values(["NAME", *order], kind="stable").set_index("NAME")
    frame.attrs["uids"] = frame.pop("UID").tolist()  # for `compare`
    # The word NAME heads the index in the same line as the other headings, as kubectl prints it.
    return frame.rename_axis(index=None, columns="NAME")


def name(metadata: dict[str, Any], full: bool = False) -> str:
    """An object's name; unless `full`, with `*` for the part that Kubernetes generated.

    Generated are: a Pod's suffix and its ReplicaSet's template hash
    (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label), and the node's
    name behind that of a static Pod.
    """
    whole = metadata["name"]
    if full:
        return whole
    stem = metadata.get("generateName", "")
    template = metadata.get("labels", {}).get("pod-template-hash")
    if stem and template:
        return stem.removesuffix(f"{template}-") + "*"
    if stem:
        return stem + "*"
    if template:
        return whole.removesuffix(template) + "*"
    for owner in metadata.get("ownerReferences", []):
        if owner["kind"] == "Node":
            return whole.removesuffix(owner["name"]) + "*"
    return whole


def _image(reference: str) -> str:
    """The image's name as the manifests have it, whatever registry this cluster gets it from."""
    return reference.removeprefix(current().reference("")) or reference


def pods(**options: Any) -> pd.DataFrame:
    """`kubectl get pods`: columns READY, STATUS, RESTARTS. Options and errors as for `get`.

    Documentation: https://kubernetes.io/docs/concepts/workloads/pods/
    """
    return get("pods", **options)


def deployments(**options: Any) -> pd.DataFrame:
    """`kubectl get deployments`: columns READY, UP-TO-DATE, AVAILABLE. Options and errors as for `get`.

    Documentation: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
    """
    return get("deployments", **options)


def replicasets(**options: Any) -> pd.DataFrame:
    """`kubectl get replicasets -o wide`: columns DESIRED, CURRENT, READY, IMAGES. Options and errors as for `get`.

    Documentation: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
    """
    return get("replicasets", **options)


def services(**options: Any) -> pd.DataFrame:
    """`kubectl get services`: columns TYPE, EXTERNAL-IP, PORT(S). Options and errors as for `get`.

    Documentation: https://kubernetes.io/docs/concepts/services-networking/service/
    """
    return get("services", **options)


def nodes(**options: Any) -> pd.DataFrame:
    """`kubectl get nodes`: columns STATUS, ROLES. Options and errors as for `get`.

    Documentation: https://kubernetes.io/docs/concepts/architecture/nodes/
    """
    return get("nodes", **options)


EVENTFUL = {"Deployment": "deployments", "ReplicaSet": "replicasets", "Pod": "pods"}
"""The kinds that `events` tells of, from the whole to the part, and their resources."""


def events(selector: str, *, wide: bool = False) -> pd.DataFrame:
    """What happened to the Deployments, ReplicaSets and Pods that `selector` matches now.

    In this order, and among equals the oldest first: events of different kinds may be written at the same moment.

    Args:
        selector: a label selector such as `"app=webapp"`. Events of objects that are gone are left out.
        wide: the object's own name, the message and how often, too.

    Returns:
        One row per event; the index is the kind of the object, the columns are TYPE and REASON.
        `wide` adds NAME, COUNT and MESSAGE. Events that differ only in those are one row unless `wide`.

    Documentation: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
    """
    alive = {
        item["metadata"]["uid"]
        for resource in EVENTFUL.values()
        for item in api().objects(resource, label_selector=selector)
    }
    found = [event for event in api().objects("events") if event["involvedObject"].get("uid") in alive]
    found.sort(key=_order)
    frame = pd.DataFrame(
        [
            [
                event["involvedObject"]["kind"],
                event["type"],
                event["reason"],
                event["involvedObject"]["name"],
                event.get("count") or 1,
                event.get("message", ""),
            ]
            for event in found
        ],
        columns=["OBJECT", "TYPE", "REASON", "NAME", "COUNT", "MESSAGE"],
    )
    if not wide:
        # Whether an image was pulled or was there depends on the node; `Pulled` comes in both cases.
        frame = frame.loc[frame["REASON"] != "Pulling", ["OBJECT", "TYPE", "REASON"]].drop_duplicates()
    return frame.set_index("OBJECT").rename_axis(index=None, columns="OBJECT")


def _order(event: dict[str, Any]) -> tuple[int, str, int]:
    """Where an event stands in the table. Old and new kinds of event keep their time in different fields."""
    when = event.get("firstTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
    seconds = when[: len("2026-01-01T00:00:00")]  # finer times exist for some events only
    kind = list(EVENTFUL).index(event["involvedObject"]["kind"])
    return kind, seconds, int(event["metadata"]["resourceVersion"])


def images() -> pd.DataFrame:
    """The workbook's images that Pods of this cluster can use without a pull: figure 1-3.

    Returns:
        One row per image; the index is REPOSITORY, the column is TAG. Images of Kubernetes itself are left out.

    Documentation: https://kubernetes.io/docs/concepts/containers/images/
    """
    ours = sorted((image.repository, image.tag) for image in current().images() if str(image) in catalog())
    frame = pd.DataFrame(ours, columns=["REPOSITORY", "TAG"])
    return frame.set_index("REPOSITORY").rename_axis(index=None, columns="REPOSITORY")


def status() -> pd.DataFrame:
    """`minikube status`: one row, the cluster's state: Running, Stopped, Absent or Broken.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/status/
    """
    frame = pd.DataFrame([current().status().value], index=["cluster"], columns=["STATUS"])
    return frame.rename_axis(index=None, columns="NAME")
