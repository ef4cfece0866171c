"""Why a container's program ended, or could not be started."""

from datetime import datetime

from workbook.diagnosis.containers import STABLE_AFTER, last_lines, precedes, program_of, spec_of
from workbook.diagnosis.events import cause
from workbook.diagnosis.findings import Evidence
from workbook.diagnosis.fixes import MEMORY_FIX, REPLACE_FIX, TOO_LOW
from workbook.diagnosis.images import OTHER_PLATFORM, platform_fault
from workbook.diagnosis.names import NAME_SERVICE, UNRESOLVED
from workbook.kube.objects import Object, ready

LOST = ("Unknown", "ContainerStatusUnknown")
"""The reasons of an exit that the kubelet did not see, for example because the node restarted. The exit code is invented."""
COMMAND_FIX = "Correct `command`, `args` or the mounts in the manifest, or the program's path in the image."


def exit_fault(
    pod: Object, container: Object, ended: Object, evidence: Evidence, *, previous: bool
) -> tuple[str, str, str]:
    """The reason and the cause of a program's exit, and the fix; `previous` if it was restarted since."""
    reason, code, who = ended.get("reason") or "Error", ended.get("exitCode", "unknown"), program_of(pod, container)
    failed = pod["status"].get("phase") == "Failed"
    resources = [spec_of(pod, container).get("resources", {}), pod["spec"].get("resources", {})]
    limits = [each["limits"]["memory"] for each in resources if "memory" in each.get("limits", {})]
    if reason == "OOMKilled" and not limits:
        return (
            reason,
            f"{who} was killed because its node ran out of memory. The program has no memory limit.",
            "Set `resources.requests.memory` in the manifest, delete other Pods, or give the cluster more memory.",
        )
    if reason == "OOMKilled":
        return reason, f"{who} was killed because it used more memory than its limit.", MEMORY_FIX
    if reason in ("StartError", "ContainerCannotRun"):
        return reason, *start_fault(pod, container, ended.get("message", ""), evidence)
    if reason in LOST:
        return (
            reason,
            f"Kubernetes does not know how {who[0].lower()}{who[1:]} ended. Its node may have restarted.",
            REPLACE_FIX if failed else "Wait some seconds, and run `diagnose` again.",
        )
    log = evidence.log(pod["metadata"]["name"], container["name"], previous)
    if OTHER_PLATFORM.search(log):
        return reason, *platform_fault(pod, spec_of(pod, container)["image"], evidence)
    if code == 137 and limits:  # on a busy node, the runtime does not always notice why
        return (
            reason,
            f"{who} was killed (exit code 137), probably because it used more memory than its limit of {limits[0]}. "
            f"{last_lines(log)}",
            MEMORY_FIX,
        )
    ends = f"{who} exits with code {code}"
    if precedes(pod, container):
        ends += ", so the Pod's containers do not start"
    if unresolved := [line for line in log.splitlines() if UNRESOLVED.search(line)]:
        servers = evidence.name_servers()
        return (
            reason,
            f"{ends}. It cannot resolve a name:\n{unresolved[-1]}",
            f"The cluster's name service is not ready: {NAME_SERVICE}."
            if servers and not any(map(ready, servers))
            else "Compare the name with `services()`: NAME for a Service in the same Namespace, NAME.NAMESPACE for one in another.",
        )
    policy = spec_of(pod, container).get("restartPolicy") or pod["spec"]["restartPolicy"]  # sidecars have their own
    again = "" if failed or policy == "Never" else " Until then it is restarted, each time after a longer delay."
    return reason, f"{ends}. {last_lines(log)}", f"Fix what the program complains about.{again}"


def start_fault(pod: Object, container: Object, message: str, evidence: Evidence) -> tuple[str, str]:
    """Why a container cannot be created, from the runtime's message, and the fix."""
    if OTHER_PLATFORM.search(message):
        return platform_fault(pod, spec_of(pod, container)["image"], evidence)
    if "OOM-killed" in message:
        return TOO_LOW, MEMORY_FIX
    return f"The container cannot be created: {cause(message)}.", COMMAND_FIX


def has_failed(ended: Object, endless: bool) -> bool:
    """Whether a program has failed: it ended with an error, or it ended although it should run forever."""
    return bool(ended) and (ended.get("exitCode") != 0 or endless)


def has_recovered(container: Object, last: Object, now: datetime) -> bool:
    """Whether a container's last exit is past: it runs again well enough, or only its node restarted. It may not be ready."""
    running = container["state"].get("running")
    if last.get("reason") in LOST:
        return True
    if not running:
        return False
    if now - datetime.fromisoformat(running["startedAt"]) > STABLE_AFTER:
        return True
    if not (container["ready"] and last.get("startedAt")):
        return bool(container["ready"])  # if the previous container never ran, this one has recovered
    # Without a probe, a container is ready as soon as it runs.
    return datetime.fromisoformat(last["finishedAt"]) - datetime.fromisoformat(last["startedAt"]) > STABLE_AFTER
