"""Bring the cluster to just the state in which a notebook begins, whatever was done to it before."""

import tomllib
from pathlib import Path

import yaml

from workbook.base import labels
from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.cluster import ready
from workbook.cluster.choose import remember
from workbook.cluster.current import api, current
from workbook.cluster.protocol import Cluster
from workbook.engine.catalog import catalog, is_current
from workbook.kube import objects
from workbook.kube.objects import Object
from workbook.lessons import progress as journal
from workbook.lessons import snapshot as snapshots
from workbook.lessons.build import build
from workbook.lessons.kubectl import MANIFESTS, apply, delete
from workbook.lessons.wait import gone, rollout_status

# What a reader may have made. Services first: a kubelet that has not yet heard of their end would still tell new Pods
# of them. Deleting a Deployment takes its ReplicaSets and Pods along, so those come last.
KINDS = {
    "services": "service",
    "deployments": "deployment",
    "statefulsets": "statefulset",
    "daemonsets": "daemonset",
    "replicasets": "replicaset",
    "pods": "pod",
    "persistentvolumeclaims": "persistentvolumeclaim",
    "configmaps": "configmap",
}
NOT_THE_READERS = {"kube-root-ca.crt", journal.NAME}
# `kubectl apply`, and the controllers, which note revisions on the objects.
APPLIERS = {"kubectl-client-side-apply", "kube-controller-manager"}


def states() -> dict[str, dict[str, list[str]]]:
    """What manifests/states.toml says: for each notebook's number, its `images` and its `manifests`."""
    return tomllib.loads((MANIFESTS / "states.toml").read_text())


def begin(number: int) -> None:
    """Brings cluster, images and objects to just what notebook `number` expects; says what it changes.

    Starts the cluster when it is stopped, builds images that are missing, removes what the notebook does not expect
    and applies what it does. Run twice, the second changes nothing. Only the workbook's own Namespace is touched.

    Args:
        number: the notebook's number: 3 for `03_….ipynb`.

    Raises:
        WorkbookError: there is no such notebook, another process is at it, or the cluster cannot be had.
    """
    known = states()
    if f"{number:02}" not in known:
        raise WorkbookError(
            f"There is no notebook {number:02}.", f"There are {', '.join(known)}.", "Correct the number."
        )
    state = known[f"{number:02}"]
    ours = current()
    with lock(ours.folder / "lock", f"begin({number})", patience=60):
        remember(ours.folder, ours.provider)
        ready.settle(ours, ours.start())
        if not snapshots.is_kept():
            _images(ours, [])
            _objects([])
            snapshots.keep_first()
        _images(ours, state["images"])
        _neighbour(f"{ours.namespace}-other")
        _objects([MANIFESTS / name for name in state["manifests"]])
    journal.note(number, journal.BEGUN)
    print(f"Notebook {number:02} can begin on the cluster {ours.name!r} ({ours.provider}).")


def _images(ours: Cluster, wanted: list[str]) -> None:
    there = {str(image) for image in ours.images()}
    for image in sorted(there & catalog().keys() - set(wanted)):
        print(f"Removing the image {image}: it is built later.")
        ours.remove(image)
    engine = ours.docker()
    if due := [image for image in wanted if not is_current(engine, image)]:
        build(*due, log=False)
    ours.load(*wanted)


def _neighbour(namespace: str) -> None:
    """Removes the second Namespace, which a notebook makes for a while, should it be there still."""
    found = api().find("namespaces", namespace)
    if found and found["metadata"].get("labels", {}).items() >= labels.MANAGED.items():
        print(delete("namespace", namespace))


def _objects(manifests: list[Path]) -> None:
    """Makes the Namespace hold what `manifests` describe, freshly applied in their order, and nothing else."""
    wanted: dict[tuple[str, str], list[Path]] = {}
    for path in manifests:
        document = yaml.safe_load(path.read_text())
        wanted.setdefault((f"{document['kind'].lower()}s", document["metadata"]["name"]), []).append(path)
    there, services_went = set(), False
    for resource, word in KINDS.items():
        for item in api().objects(resource):
            if item["metadata"].get("ownerReferences"):
                continue  # goes with its owner
            if item["metadata"]["name"] in NOT_THE_READERS:
                continue
            key = resource, item["metadata"]["name"]
            # The Pods of a Deployment know the Services that were there before them, so those go together.
            stale = services_went and resource == "deployments"
            if key in wanted and not stale and not _differs(resource, item, wanted[key]):
                there.add(key)
            else:
                print(delete(word, item["metadata"]["name"]))
                services_went |= resource == "services"
    for key, paths in wanted.items():
        if key in there:
            continue
        for path in paths:
            print(apply(path))
            if key[0] == "deployments":
                rollout_status(key[1], timeout=180)
    if not any(resource == "deployments" for resource, _ in wanted):
        gone("pods")


def _differs(resource: str, item: Object, manifests: list[Path]) -> bool:
    """Whether an object is not just as applying `manifests` in order leaves it: other fields, revisions, restarts."""
    if _edited(item) or not apply(manifests[-1], dry_run=True).endswith("unchanged (server dry run)"):
        return True
    if resource != "deployments":
        return False
    sets = _owned("replicasets", {item["metadata"]["uid"]})
    pods = _owned("pods", {entry["metadata"]["uid"] for entry in sets})
    again = sum(map(objects.restarts, pods))
    return len(sets) != len(manifests) or again > 0 or not all(map(objects.ready, pods)) or not pods


def _edited(item: Object) -> bool:
    """Whether something else than `kubectl apply` has set fields of it: `apply` leaves those as they are.

    Documentation: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    return any(
        entry["manager"] not in APPLIERS and entry.get("subresource") != "status"
        for entry in item["metadata"].get("managedFields", [])
    )


def _owned(resource: str, owners: set[str]) -> list[Object]:
    """The objects of `resource` that belong to an owner with one of these UIDs."""
    return [
        item
        for item in api().objects(resource)
        if any(owner["uid"] in owners for owner in item["metadata"].get("ownerReferences", []))
    ]
