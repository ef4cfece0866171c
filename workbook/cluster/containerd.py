"""Containers that containerd runs on a node, without Kubernetes: by `ctr`, containerd's own client."""

import re
from collections.abc import Callable

POD = re.compile("[0-9a-f]{64}")
"""The name that Kubernetes gives to a Pod's container."""
Ctr = Callable[..., str]
"""A function that runs `ctr` on the node with these arguments, and returns what it prints."""


def full_name(image: str) -> str:
    """Return the image's name as containerd stores it."""
    return f"docker.io/library/{image}"


def run(ctr: Ctr, image: str, name: str) -> None:
    """Start a container in the background, in place of an earlier one of that name."""
    end(ctr, name)
    ctr("run", "--detach", full_name(image), name)


def end(ctr: Ctr, name: str) -> None:
    """Kill a container's process, and remove the container; do nothing if there is none of that name.

    A Pod's container is only killed, because the kubelet removes it.
    """
    if name not in ctr("containers", "list", "--quiet").split():
        return
    if POD.fullmatch(name):
        ctr("tasks", "kill", "--signal", "SIGKILL", name)
        return
    if name in _tasks(ctr):
        ctr("tasks", "delete", "--force", name)
    ctr("containers", "delete", name)


def running(ctr: Ctr) -> list[str]:
    """Return the names of the containers whose process runs."""
    return [name for name, state in _tasks(ctr).items() if state == "RUNNING"]


def _tasks(ctr: Ctr) -> dict[str, str]:
    """The state of each container's process: containerd calls it a task."""
    _, *lines = ctr("tasks", "list").splitlines()  # below the line TASK, PID, STATUS
    return {words[0]: words[-1] for words in map(str.split, lines)}
