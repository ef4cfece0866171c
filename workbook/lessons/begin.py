"""Put the cluster into a notebook's starting state, whatever was done to it before."""

import os
import shutil
import sys
import time
import tomllib
from pathlib import Path
from typing import NotRequired, TypedDict

import yaml

from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.paths import ROOT
from workbook.cluster import ready
from workbook.cluster.choose import TWO, remember
from workbook.cluster.current import api, own, select
from workbook.cluster.protocol import Cluster
from workbook.engine.build import alone
from workbook.engine.catalog import catalog, is_current
from workbook.kube import objects
from workbook.kube.objects import Object
from workbook.lessons.build import build_and_load
from workbook.lessons.kubectl import MANIFESTS, KubectlError, apply, delete, find_manifest, kubectl, kubectl_output
from workbook.lessons.progress import CONFIG_MAP, note
from workbook.lessons.report import passed
from workbook.lessons.room import require_nodes, require_room
from workbook.lessons.snapshot import keep_first_snapshot, kept_snapshot
from workbook.lessons.wait import await_end, await_rollout
from workbook.machine import set_up
from workbook.machine.session import for_commands

GROUPS = (
    ("services",),  # a kubelet that has not seen their deletion yet would still give new Pods their addresses
    # kubectl deletes these in their order: a CronJob would replace its Jobs, and other owners their Pods.
    ("cronjobs", "deployments", "statefulsets", "daemonsets", "jobs", "replicasets", "pods"),
    ("persistentvolumeclaims", "configmaps"),  # Pods use them
)
"""The resources whose objects are removed, in this order. Those of a group are deleted at the same time, since each takes seconds."""
KEPT = {"kube-root-ca.crt", CONFIG_MAP}  # ConfigMaps that are not the reader's
WORK = ROOT / "work"
"""The folder with the manifests that a learner edits."""
# The field managers that take part when a manifest is applied; the controllers write revisions into the objects.
APPLIERS = {"kubectl-client-side-apply", "kube-controller-manager"}


class Start(TypedDict):
    """The state in which a notebook begins. manifests/states.toml explains the keys."""

    images: list[str]
    manifests: list[str]
    edit: NotRequired[list[str]]
    nodes: NotRequired[int]


def states() -> dict[str, Start]:
    """Read manifests/states.toml: for each notebook's number, the state in which it begins."""
    return tomllib.loads((MANIFESTS / "states.toml").read_text(encoding="utf-8"))


def begin(number: int) -> None:
    """Put the cluster, its images and its objects into the starting state of a notebook, and print what changes.

    Waits for a set-up that is running, such as the one that `make lab` has started, and shows its progress. Starts the cluster when it is stopped, builds missing images, removes objects that don't belong to the state, and
    applies those that are missing. A second run changes nothing. It only touches the workbook's own namespace.

    A notebook that needs two nodes gets a second cluster, which this process then uses in place of the first one.

    Args:
        number: the notebook's number: 3 for `03_….ipynb`.

    Raises:
        NotPossible: the notebook needs two nodes, which this machine or this cluster cannot have.
        WorkbookError: there is no such notebook, the set-up failed, another process is changing the cluster, or the cluster does not
            start.

    Documentation: https://kubernetes.io/docs/concepts/overview/working-with-objects/object-management/
    """
    known = states()
    state = known.get(f"{number:02}")
    if not state:
        why = f"There are {', '.join(known)}."
        raise WorkbookError(f"There is no notebook {number:02}.", why, "Correct the number.")
    nodes = state.get("nodes", 1)
    set_up.complete(own())
    cluster = select(nodes)
    # `!kubectl` must work in any kernel, even one that neither JupyterLab nor `make run` has started.
    os.environ.update(for_commands())
    with lock(cluster.folder / "lock", f"begin({number})", patience=60):
        if nodes > 1:
            require_room(cluster)
        remember(cluster.folder, cluster.provider)
        ready.settle(cluster, cluster.start())
        if nodes > 1:
            require_nodes(cluster)
        if nodes == 1 and kept_snapshot() is None:  # notebook 16 compares it with the learner's own cluster
            _set_images(cluster, [])
            _set_objects([])
            keep_first_snapshot()
        _set_images(cluster, state["images"])
        # One of the notebooks creates a second namespace for a while.
        other = api().find("namespaces", f"{cluster.namespace}-other")
        if other and labels.is_managed(other["metadata"].get("labels", {})):
            print(delete("namespace", other["metadata"]["name"]))
        _set_objects([MANIFESTS / name for name in state["manifests"]])
    _set_work([MANIFESTS / name for name in state.get("edit", [])])
    note(number, "begun")
    passed()  # a failed check of another notebook is over
    _print_terminals(cluster)
    print(f"Notebook {number:02} can start on the cluster {cluster.name!r} ({cluster.provider}).")


def _print_terminals(cluster: Cluster) -> None:
    """Print what to know about the other cluster, if there are two: that it exists, or how a terminal uses this one."""
    if cluster.settings.nodes > 1:
        variable = '$env:KUBECONFIG = "{}"' if sys.platform == "win32" else "export KUBECONFIG={}"
        print(f"Terminals use your own cluster, unless you type: {variable.format(cluster.kubeconfig)}")
    elif (pair := cluster.folder.with_name(f"{cluster.name}{TWO}") / "kubeconfig").exists():
        print(
            f"The cluster {pair.parent.name!r} of another notebook still exists; `delete_cluster(nodes=2)` removes it."
        )


def _set_images(cluster: Cluster, wanted: list[str]) -> None:
    """Make sure that the nodes have exactly the `wanted` images of the workbook, built from their current source."""
    for image in sorted(set(cluster.images()) & catalog().keys() - set(wanted)):
        print(f"Removing the image {image}: a later step builds it.")
        cluster.remove(image)
    if not wanted:
        return
    with alone("begin"):  # from the look at the engine's images until they are on the nodes
        if outdated := [image for image in wanted if not is_current(cluster.docker(), image)]:
            build_and_load(cluster, *outdated, log=False)
        cluster.load(*wanted)


def _set_objects(manifests: list[Path]) -> None:
    """Make sure that the namespace has exactly the objects in `manifests`, as if just applied in this order."""
    wanted: dict[tuple[str, str], list[Path]] = {}
    for path in manifests:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        wanted.setdefault((f"{document['kind'].lower()}s", document["metadata"]["name"]), []).append(path)
    missing, service_deleted = dict(wanted), False
    for resources in GROUPS:
        superfluous = []
        for resource in resources:
            for item in api().objects(resource):
                name = item["metadata"]["name"]
                if item["metadata"].get("ownerReferences") or name in KEPT:
                    continue  # an object with an owner is deleted together with it
                # A Deployment's Pods have the addresses of the Services that existed before them in their environment.
                stale = service_deleted and resource == "deployments"
                if (resource, name) in wanted and not stale and not _differs(resource, item, wanted[resource, name]):
                    del missing[resource, name]
                else:
                    superfluous.append(f"{resource}/{name}")
        if superfluous:
            print(kubectl("delete", *superfluous, "--ignore-not-found", "--cascade=foreground"))
            service_deleted |= "services" in resources
    for (resource, name), paths in missing.items():
        for path in paths:
            print(apply(path))
            if resource == "deployments":
                await_rollout(name, timeout=180)
    if not any(resource == "deployments" for resource, _ in wanted):
        await_end("pods")


def _set_work(manifests: list[Path]) -> None:
    """Copy each manifest to the folder where a learner edits it. A copy that was edited is kept under another name."""
    for manifest in manifests:
        WORK.mkdir(exist_ok=True)
        copy = WORK / manifest.name
        if copy.exists() and copy.read_bytes() != manifest.read_bytes():
            kept = copy.with_stem(f"{copy.stem}-{time.strftime('%Y%m%d-%H%M%S')}")
            copy.replace(kept)
            print(f"Your {copy.relative_to(ROOT)} is now {kept.relative_to(ROOT)}; a new copy takes its place.")
        shutil.copyfile(manifest, copy)


def _differs(resource: str, item: Object, manifests: list[Path]) -> bool:
    """Whether an object differs from what applying `manifests` in order creates: in fields, revisions or restarts."""
    # `kubectl apply` does not reset a field that something else has set:
    # https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    fields = item["metadata"].get("managedFields", [])
    if any(entry["manager"] not in APPLIERS and entry.get("subresource") != "status" for entry in fields):
        return True
    try:
        result = kubectl_output("apply", "-f", find_manifest(manifests[-1]), "--dry-run=server")
    except KubectlError:
        return True  # a field differs that cannot be changed, such as a Deployment's selector
    if not result.endswith("unchanged (server dry run)"):
        return True
    if resource != "deployments":
        return False
    replicasets = _owned("replicasets", [item])
    pods = _owned("pods", replicasets)
    healthy = pods and all(objects.ready(pod) and objects.restarts(pod) == 0 for pod in pods)
    return len(replicasets) != len(manifests) or not healthy


def _owned(resource: str, owners: list[Object]) -> list[Object]:
    """The objects of `resource` that belong to one of the owners."""
    uids = {owner["metadata"]["uid"] for owner in owners}
    return [
        item
        for item in api().objects(resource)
        if any(owner["uid"] in uids for owner in item["metadata"].get("ownerReferences", []))
    ]
