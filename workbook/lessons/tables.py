"""Tables of the objects in the cluster, with the columns and values that the API server prepares for kubectl.

By default, a table shows only what is the same in every run. `wide=True` adds the rest: full generated names, ages,
addresses, nodes.
"""

import html
import shlex
from typing import Any, TypedDict, Unpack

import pandas as pd

from workbook.cluster.current import api, current
from workbook.cluster.protocol import State
from workbook.engine.catalog import catalog
from workbook.kube.client import TABLE
from workbook.kube.objects import Object, name

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
"""The columns that are the same in every run, by resource. Other resources have none."""


class Table(pd.DataFrame):
    """A table from the cluster, shown below the kubectl command that prints it. Operations on it return DataFrames."""

    @classmethod
    def of(cls, frame: pd.DataFrame, *arguments: str) -> "Table":
        """Create a table from `frame` and kubectl's arguments, which are stored in `attrs` like the UIDs."""
        table = cls(frame)
        table.attrs = frame.attrs | {"command": shlex.join(["kubectl", *arguments])}
        return table

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        selects_columns = isinstance(key, list) and isinstance(found, pd.DataFrame) and len(found) == len(self)
        if selects_columns:
            table = Table(found)
            table.attrs = self.attrs
            return table
        return found

    @property
    def command(self) -> str:
        """The command, as a reader can type it."""
        return str(self.attrs["command"])

    def __repr__(self) -> str:
        return f"$ {self.command}\n{super().__repr__()}"

    def _repr_html_(self) -> str:
        shown = f'<div style="opacity:.7"><code>$ {html.escape(self.command)}</code></div>'
        return f"{shown}\n{super()._repr_html_()}"  # type: ignore[misc]  # the stubs lack it


class Options(TypedDict, total=False):
    """The options of a table; `get` describes them."""

    namespace: str | None
    selector: str
    wide: bool


def get(resource: str, *, namespace: str | None = None, selector: str = "", wide: bool = False) -> Table:
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
    rows = table.get("rows") or []
    metadata = [row["object"]["metadata"] for row in rows]
    columns = [column["name"].upper() for column in table["columnDefinitions"]]
    frame = pd.DataFrame([row["cells"] for row in rows], columns=columns).drop(columns="NAME")
    frame.insert(0, "NAME", [name(item, full=wide) for item in metadata])
    if not wide:
        frame = frame[["NAME", *STABLE.get(resource, [])]]
    elif namespace == "":
        frame.insert(1, "NAMESPACE", [item.get("namespace", "") for item in metadata])
    if "RESTARTS" in frame:
        frame["RESTARTS"] = [int(str(cell).split()[0]) for cell in frame["RESTARTS"]]
    if "IMAGES" in frame:  # as in the manifests, whichever registry this cluster pulls them from
        registry = current().reference("")
        frame["IMAGES"] = [
            ",".join(image.removeprefix(registry) for image in cell.split(",")) for cell in frame["IMAGES"]
        ]
    frame = identified(frame.assign(UID=[item["uid"] for item in metadata]))
    words = {"--namespace": namespace, "--selector": selector, "--output": "wide" if wide else ""}
    options = ["--all-namespaces"] if namespace == "" else []
    options += [f"{option}={value}" for option, value in words.items() if value]
    return Table.of(frame, "get", resource, *options)


def headed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its first column as the index, whose heading is in the same line as the others, as in kubectl."""
    first = frame.columns[0]
    return frame.set_index(first).rename_axis(index=None, columns=first)


def identified(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table, sorted, with its first column as the index. The column UID becomes an attribute for `compare`."""
    frame = frame.sort_values(list(frame.columns))
    frame.attrs["uids"] = frame.pop("UID").tolist()
    return headed(frame)


def pods(**options: Unpack[Options]) -> Table:
    """Return the table of Pods; see `get`. https://kubernetes.io/docs/concepts/workloads/pods/"""
    return get("pods", **options)


def deployments(**options: Unpack[Options]) -> Table:
    """Return the table of Deployments; see `get`. https://kubernetes.io/docs/concepts/workloads/controllers/deployment/"""
    return get("deployments", **options)


def replicasets(**options: Unpack[Options]) -> Table:
    """Return the table of ReplicaSets; see `get`. https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/"""
    return get("replicasets", **options)


def services(**options: Unpack[Options]) -> Table:
    """Return the table of Services; see `get`. https://kubernetes.io/docs/concepts/services-networking/service/"""
    return get("services", **options)


def nodes(**options: Unpack[Options]) -> Table:
    """Return the table of the cluster's nodes; see `get`. https://kubernetes.io/docs/concepts/architecture/nodes/"""
    return get("nodes", **options)


def events(selector: str, *, wide: bool = False) -> Table:
    """Return the events of the Deployments, ReplicaSets and Pods that `selector` matches now, in this order.

    The events of Deployments, those of ReplicaSets and those of Pods are each sorted by time.

    Args:
        selector: a label selector such as `"app=webapp"`. Events of deleted objects are left out.
        wide: also the object's NAME, the event's MESSAGE, and how often it occurred (COUNT).

    Returns:
        The index is the object's kind, the columns are TYPE and REASON. Unless `wide`, each row occurs once.

    Raises:
        WorkbookError: no cluster, or no answer from the API server.

    Documentation: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
    """
    ranks = {
        item["metadata"]["uid"]: rank
        for rank, resource in enumerate(("deployments", "replicasets", "pods"))
        for item in api().objects(resource, label_selector=selector)
    }

    def order(event: Object) -> tuple[int, str, int]:
        # Older and newer versions of the Event API store the time in different fields, some with fractions of a second.
        time: str = event.get("firstTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
        version = int(event["metadata"]["resourceVersion"])
        return ranks[event["involvedObject"]["uid"]], time[: len("2026-01-01T00:00:00")], version

    rows = []
    found = [event for event in api().objects("events") if event["involvedObject"].get("uid") in ranks]
    for event in sorted(found, key=order):
        involved, count, message = event["involvedObject"], event.get("count") or 1, event.get("message", "")
        kind, reason = event.get("type", ""), event.get("reason", "")
        rows.append([involved["kind"], kind, reason, involved["name"], count, message])
    frame = pd.DataFrame(rows, columns=["OBJECT", "TYPE", "REASON", "NAME", "COUNT", "MESSAGE"])
    if not wide:
        # Whether an image had to be pulled depends on the node; `Pulled` appears in both cases.
        frame = frame.loc[frame["REASON"] != "Pulling", ["OBJECT", "TYPE", "REASON"]].drop_duplicates()
    return Table.of(headed(frame), "get", "events", "--sort-by=.lastTimestamp")


def images() -> pd.DataFrame:
    """Return the workbook's images that Pods of this cluster can use without pulling them, by repository (figure 1-3).

    Documentation: https://kubernetes.io/docs/concepts/containers/images/
    """
    rows = sorted(image.rpartition(":")[::2] for image in current().images() if image in catalog())
    return headed(pd.DataFrame(rows, columns=["REPOSITORY", "TAG"]))


def status(*, wide: bool = False) -> pd.DataFrame:
    """Return the cluster's state in one row (`minikube status`).

    Args:
        wide: also the tool that created the cluster, its driver, and the number of nodes.

    Returns:
        The index is NAME, the column STATUS is Running, Stopped, Absent or Broken. `wide` adds PROVIDER, DRIVER (what a
        node is: `docker` for a container; empty when not known) and NODES (0 unless the cluster is running).

    Raises:
        WorkbookError: the provider's program does not work, or a running cluster does not answer.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/status/
    """
    cluster = current()
    state = cluster.status()
    row: dict[str, Any] = {"NAME": "cluster", "STATUS": state.value}
    if wide:
        count = len(api().objects("nodes")) if state is State.RUNNING else 0
        row |= {"PROVIDER": str(cluster.provider), "DRIVER": cluster.driver, "NODES": count}
    return headed(pd.DataFrame([row]))
