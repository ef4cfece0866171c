"""What a Pod says about one of its containers."""

from datetime import timedelta

from workbook.kube.objects import Object

STABLE_AFTER = timedelta(seconds=10)
"""How long a restarted program must run to count as healthy, if its previous run was shorter than this."""


def spec_of(pod: Object, container: Object) -> Object:
    """The specification of the container that has this status."""
    specs: list[Object] = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
    return next(spec for spec in specs if spec["name"] == container["name"])


def precedes(pod: Object, container: Object) -> bool:
    """Whether it is an init container that must finish before others start."""
    return spec_of(pod, container) not in lasting(pod)


def lasting(pod: Object) -> list[Object]:
    """The specifications of a Pod's containers and sidecars, which run as long as the Pod."""
    sidecars = [spec for spec in pod["spec"].get("initContainers", []) if spec.get("restartPolicy") == "Always"]
    return [*pod["spec"]["containers"], *sidecars]


def program_of(pod: Object, container: Object) -> str:
    """What a sentence about a container's program begins with. It names the container only if that is an init container."""
    if spec_of(pod, container) in pod["spec"].get("initContainers", []):
        return f"The program of the init container {container['name']}"
    return "The program"


def last_lines(log: str) -> str:
    """The sentence that quotes the end of a log."""
    return f"Its last lines were:\n{log}" if log else "It has printed nothing."
