"""Draw what is in a namespace: Services and Pods, who owns whom, who selects whom, and what is ready."""

import base64
import html
import re
import shlex
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbook.cluster.current import api
from workbook.kube.objects import ENDED, Object, label_selector, name, ready, selects
from workbook.lessons.picture import LINE, WIDTH, Picture
from workbook.lessons.recorder import state

RESOURCES = {
    "services": "Service",
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "replicasets": "ReplicaSet",
    "pods": "Pod",
}
"""The objects that are read. Owners of other types are known from the Pods that name them."""
UNDRAWN = {*RESOURCES.values(), "Node"}
"""Types of owners that are only drawn if they were read; a Service isn't drawn as an owner."""
STATES = {"Ready": "ready", "Running": "running, not ready"}
READY, UNREADY = "●", "○"
EMPTY = "no Services and no Pods"
REVISION = "deployment.kubernetes.io/revision"

LEFT, RIGHT = 16, WIDTH - 16
EDGE, SERVICES = 276, 324
"""The right edge of the workloads, and the left edge of the Services, which are next to them."""
GAP, INDENT, PADDING = 10, 20, 11
CODE, NOTE = 8.5, 7.8
"""The mean width of a character in a name, and in a note, in a font that is among the widest."""


@dataclass(frozen=True)
class Entry:
    """A Pod, or an object that owns Pods. A Pod can own Pods, too: the driver of a Spark job owns its executors.

    Attributes:
        kind, name: as in a manifest; generated parts of the name are replaced by `*`.
        note: what is ready of it, and its image.
        good: whether everything of it is ready.
        uid: its UID; the type and the name of an owner that was not read.
        owned: what it owns.
        services: for a Pod, the names of the Services that select it.
    """

    kind: str
    name: str
    note: str
    good: bool
    uid: str
    owned: tuple["Entry", ...] = ()
    services: tuple[str, ...] = ()

    def lines(self, indent: int = 0) -> Iterator[str]:
        """Yield the lines that describe it and what it owns."""
        selected = f", selected by {' and '.join(self.services)}" if self.services else ""
        yield f"{' ' * indent}{self.kind} {self.name}: {self.note}{selected}"
        for entry in self.owned:
            yield from entry.lines(indent + 2)

    def all(self) -> Iterator["Entry"]:
        """Yield it and everything below it."""
        yield self
        for entry in self.owned:
            yield from entry.all()


@dataclass(frozen=True)
class Front:
    """A Service.

    Attributes:
        name: its name.
        form: its type and its ports.
        selects: its selector, or what it stands for; empty without either.
        pods: the UIDs of the Pods that it selects, and whether each gets requests.
    """

    name: str
    form: str
    selects: str
    pods: tuple[tuple[str, bool], ...] = ()

    @property
    def note(self) -> str:
        """What comes of its selector."""
        if not self.pods:
            return "no Pods" if "=" in self.selects else ""
        return f"{sum(gets for _, gets in self.pods)} of {len(self.pods)} ready"

    def line(self) -> str:
        """Return the line that describes it."""
        verb = "selects" if "=" in self.selects else "stands for"
        selects = f"{verb} {self.selects}" if self.selects else "no selector"
        return f"Service {self.name}: {self.form}, {selects}{f': {self.note}' if self.note else ''}"


@dataclass(frozen=True)
class Overview:
    """The objects of a namespace: a picture in a notebook, and an indented list everywhere else.

    Attributes:
        services: the Services, sorted by name.
        entries: the objects without an owner.
        command: the kubectl command that lists the same objects.
    """

    services: tuple[Front, ...]
    entries: tuple[Entry, ...]
    command: str = "kubectl get all"

    @property
    def text(self) -> str:
        """The list: each line is an object, indented below its owner."""
        lines = [*(service.line() for service in self.services)]
        lines += [line for entry in self.entries for line in entry.lines()]
        return "\n".join(lines) or EMPTY

    def svg(self) -> str:
        """Return the picture as SVG: on the left what runs, below its owner; on the right the Services, with arrows to their Pods."""
        return _drawn(self).svg()

    def __repr__(self) -> str:
        return f"$ {self.command}\n{self.text}"

    def _repr_html_(self) -> str:
        # An image can't run a program, and has styles of its own. Every viewer of notebooks shows it, and the handout keeps it.
        data = base64.b64encode(self.svg().encode()).decode()
        words = html.escape(f"Overview of the namespace.\n{self.text}")
        return (
            f'<div style="opacity:.7"><code>$ {html.escape(self.command)}</code></div>\n'
            f'<img src="data:image/svg+xml;base64,{data}" width="{WIDTH}" alt="{words}">'
        )


def overview(*, namespace: str | None = None, wide: bool = False) -> Overview:
    """Draw the Services, Deployments, StatefulSets, ReplicaSets and Pods of a namespace.

    The picture shows who owns whom, which Service selects which Pods, and what is ready.

    Args:
        namespace: a namespace; None for the workbook's own.
        wide: also the generated parts of names, and each Pod's node. By default, the picture is the same in every run.

    Returns:
        An `Overview`: a picture in a notebook, and in a terminal a list that is indented below the owners.

    Raises:
        WorkbookError: no cluster, or no answer from the API server.

    Documentation: https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
    """
    objects = {resource: api().objects(resource, namespace) for resource in RESOURCES}
    options = [f"--namespace={namespace}"] if namespace else []
    return arranged(objects, wide=wide, command=shlex.join(["kubectl", "get", "all", *options]))


def arranged(
    objects: Mapping[str, Sequence[Object]], *, wide: bool = False, command: str = "kubectl get all"
) -> Overview:
    """Return the overview of these objects, lists by the keys of `RESOURCES`. The other arguments are those of `Overview`."""
    pods = objects["pods"]
    services = tuple(_service(item, pods) for item in sorted(objects["services"], key=lambda item: _name(item)))
    resources = [*RESOURCES][1:]  # without Services, because no object is drawn below them
    known = {item["metadata"]["uid"] for resource in resources for item in objects[resource]}
    owned: dict[str, list[tuple[str, Object]]] = {}
    for resource in resources:
        for item in objects[resource]:
            owned.setdefault(_owner(item, known), []).append((RESOURCES[resource], item))

    def entry(kind: str, item: Object) -> Entry:
        uid, below = item["metadata"]["uid"], entries(item["metadata"]["uid"])
        if kind != "Pod":
            note, good = _count(item["spec"].get("replicas", 1), item.get("status", {}).get("readyReplicas", 0), below)
            if kind != "Deployment":
                note += f", {_images(item['spec']['template'])}"
            return Entry(kind, name(item["metadata"], full=wide), note, good, uid, below)
        now = state(item)
        note = STATES.get(now, now)
        note += f", {_images(item)}" if not _owner(item, known) else ""
        note += f", on {item['spec'].get('nodeName', 'no node')}" if wide else ""
        selecting = tuple(service.name for service in services if uid in dict(service.pods))
        return Entry(kind, name(item["metadata"], full=wide), note, ready(item), uid, below, selecting)

    def entries(owner: str) -> tuple[Entry, ...]:
        found = [(_revision(item), _name(item), entry(kind, item)) for kind, item in owned.get(owner, [])]
        kinds = [*RESOURCES.values()]
        found.sort(key=lambda each: (kinds.index(each[2].kind), each[0], [*each[2].lines()], each[1]))
        return tuple(each[2] for each in found)

    def unread(owner: str) -> Entry:
        below, (kind, _, own) = entries(owner), owner.partition(" ")
        # A Pod of a Job that has completed is never ready again, but nothing of the Job is missing.
        completed = sum(item.get("status", {}).get("phase") == "Succeeded" for _, item in owned[owner])
        note, good = _count(len(below), sum(each.good for each in below) + completed, below)
        return Entry(kind, own, note + (" or completed" if completed else ""), good, owner, below)

    others = sorted(owner for owner in owned if owner and owner not in known)
    return Overview(services, (*entries(""), *map(unread, others)), command)


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])


def _owner(item: Object, known: Container[str]) -> str:
    """Return the UID of an object's owner; the type and the name if its type isn't read; nothing without an owner.

    An owner that has been deleted counts as none. So do a Service, and a static Pod's node, which isn't in the namespace.
    """
    for owner in item["metadata"].get("ownerReferences", []):
        if owner["uid"] in known:
            return str(owner["uid"])
        if owner["kind"] not in UNDRAWN:
            return f"{owner['kind']} {owner['name']}"
    return ""


def _revision(item: Object) -> int:
    return int(item["metadata"].get("annotations", {}).get(REVISION, 0))


def _count(wanted: int, good: int, owned: Sequence[Entry]) -> tuple[str, bool]:
    """Return how many of the wanted Pods are ready, in words, and whether all of them are."""
    if not wanted and not any(entry.kind == "Pod" for each in owned for entry in each.all()):
        return "no Pods", True
    return f"{good} of {wanted} ready", good >= wanted


def _images(item: Object) -> str:
    """Return the images of a Pod or a template, without their registries."""
    images = [container["image"].split("@")[0].split("/")[-1] for container in item["spec"]["containers"]]
    return images[0] if len(images) == 1 else f"{images[0]} and {len(images) - 1} more"


def _service(item: Object, pods: Sequence[Object]) -> Front:
    spec = item["spec"]
    ports = [str(port["port"]) for port in spec.get("ports", [])]
    form = "headless" if spec.get("clusterIP") == "None" else str(spec.get("type", "ClusterIP"))
    if ports:
        form += f", port{'s' if len(ports) > 1 else ''} {' '.join(ports)}"
    if spec.get("type") == "ExternalName":
        return Front(_name(item), form, str(spec["externalName"]))
    found = sorted(
        (_name(pod), pod["metadata"]["uid"], ready(pod) or bool(spec.get("publishNotReadyAddresses")))
        for pod in pods
        if selects(item, pod) and pod["status"].get("phase") not in ENDED
    )
    selector = label_selector(spec.get("selector") or {})
    return Front(_name(item), form, selector, tuple((uid, gets) for _, uid, gets in found))


def _drawn(found: Overview) -> Picture:
    picture = Picture(0, "Overview of the namespace")
    if not (found.services or found.entries):
        picture.box(LEFT, 16, RIGHT - LEFT, 46, f"~{EMPTY}", style="frame")
        picture.height = 78
        return picture
    middles: dict[str, float] = {}
    bottom = 16.0
    for entry in found.entries:
        bottom = _draw_entry(picture, entry, LEFT, bottom, middles, "") + 2 * GAP
    lowest = _draw_services(picture, found.services, middles)
    bottom = max(bottom, lowest)
    if any(not gets for service in found.services for _, gets in service.pods):
        picture.text(LEFT, bottom + 14, "A dashed arrow leads to a Pod that gets no requests now.", "note", "start")
        bottom += 24
    picture.height = round(bottom + 6)
    return picture


def _draw_entry(picture: Picture, entry: Entry, x: float, y: float, middles: dict[str, float], owner: str) -> float:
    """Draw an entry with everything below it; return the lower edge. `middles` gets the height of each middle, by UID."""
    width = EDGE - x
    is_pod = entry.kind == "Pod"
    title = f"{READY if entry.good else UNREADY} Pod" if is_pod else entry.kind
    if is_pod and entry.name == owner:  # the name would say nothing new
        lines = [f"{title}, ready"] if entry.note == "ready" else [title, *_broken(entry.note, width, NOTE, "~")]
    else:
        lines = [title, *_broken(entry.name, width, CODE, "`"), *_broken(entry.note, width, NOTE, "~")]
    height = PADDING + LINE * len(lines)
    empty = entry.note.startswith("no Pods")
    picture.box(x, y, width, height, *lines, style="frame" if empty else "box" if entry.good else "second")
    middles[entry.uid] = y + height / 2
    bottom = y + height
    for each in entry.owned:
        begin, below = bottom + GAP, y + height
        bottom = _draw_entry(picture, each, x + INDENT, begin, middles, entry.name)
        picture.arrow((x + INDENT / 2, below), (x + INDENT / 2, middles[each.uid]), (x + INDENT - 1, middles[each.uid]))
    return bottom


def _draw_services(picture: Picture, services: Sequence[Front], middles: Mapping[str, float]) -> float:
    """Draw each Service as near to its Pods as there is room, and those without Pods below; return the lower edge."""
    bottom, width = 16.0, RIGHT - SERVICES

    def middle(service: Front) -> float:
        heights = [middles[uid] for uid, _ in service.pods]
        return sum(heights) / len(heights) if heights else float("inf")

    for service in sorted(services, key=lambda service: (middle(service), service.name)):
        lines = ["Service", *_broken(service.name, width, CODE, "`")]
        for part in service.form.split(", "):
            lines += _broken(part, width, NOTE, "~")
        for part in service.selects.split(","):
            lines += _broken(part or "no selector", width, *((CODE, "`") if part else (NOTE, "~")))
        lines += _broken(service.note, width, NOTE, "~")
        height = PADDING + LINE * len(lines)
        y = max(bottom, middle(service) - height / 2) if service.pods else bottom
        good = service.note != "no Pods" and all(gets for _, gets in service.pods)
        picture.box(SERVICES, y, width, height, *lines, style="box" if good else "second")
        for uid, gets in service.pods:
            picture.arrow((SERVICES, y + height / 2), (EDGE + 1, middles[uid]), dashed=not gets)
        bottom = y + height + GAP
    return bottom


def _broken(text: str, width: float, character: float, mark: str) -> list[str]:
    """Break a text into lines of a box with this width, after spaces, hyphens and dots; `mark` begins each line."""
    longest = int((width - 8) / character)
    lines = [""] if text else []
    for part in re.findall(rf"[^\s.-]{{1,{longest - 1}}}[\s.-]?|[\s.-]", text):
        if len(lines[-1] + part.rstrip()) > longest:
            lines.append("")
        lines[-1] += part
    return [f"{mark}{line.strip()}" for line in lines]
