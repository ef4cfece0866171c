"""Why a probe fails, and whether the kubelet restarts a container because of it."""

import re
import shlex
from datetime import datetime, timedelta

from workbook.diagnosis.containers import STABLE_AFTER, spec_of
from workbook.diagnosis.events import events_about, is_older, newest_event, newest_message
from workbook.kube.objects import Object


def kill_fault(pod: Object, container: Object, events: list[Object], now: datetime) -> tuple[str, str, str] | None:
    """The fault of a container that the kubelet restarts because of a probe; None if no probe does, or not any more."""
    for kind in ("liveness", "startup"):
        killing = newest_event(events_about(container, events), "Killing", f"failed {kind} probe")
        if killing and container["restartCount"] and not _is_past(pod, container, killing, now):
            return (
                "Unhealthy",
                f"Its {kind} probe fails ({_probe(spec_of(pod, container), kind)}), so the kubelet restarts the container.",
                "If the program works, correct the probe's path and port, or raise its `initialDelaySeconds`.",
            )
    return None


def _is_past(pod: Object, container: Object, killing: Object, now: datetime) -> bool:
    """Whether a container has run for longer since a probe killed it than the probe allows, or ended in another way since."""
    running = container["state"].get("running")
    if running and now - datetime.fromisoformat(running["startedAt"]) > _time_to_kill(pod, container):
        return True
    ended = container["state"].get("terminated") or container.get("lastState", {}).get("terminated") or {}
    # The kubelet drops most events of a Pod that has many. If the program ended as a kill ends it, an old event proves nothing.
    killed = ended.get("exitCode") in (0, 137, 143) and ended.get("reason") != "OOMKilled"
    return not killed and is_older(killing, ended.get("startedAt"))


def _time_to_kill(pod: Object, container: Object) -> timedelta:
    """How long a program runs at most if its startup or liveness probe fails each time. Missing fields have their defaults."""
    seconds = pod["spec"].get("terminationGracePeriodSeconds", 30)
    spec = spec_of(pod, container)
    for probe in (spec[key] for key in ("startupProbe", "livenessProbe") if key in spec):
        attempt = probe.get("periodSeconds", 10) + probe.get("timeoutSeconds", 1)
        seconds += probe.get("initialDelaySeconds", 0) + probe.get("failureThreshold", 3) * attempt
    return timedelta(seconds=seconds) + STABLE_AFTER


def probe_fault(pod: Object, container: Object, events: list[Object]) -> tuple[str, str, str] | None:
    """The fault of a container that runs, and whose readiness or startup probe fails; None if no probe has failed."""
    running = container["state"].get("running")
    if container["ready"] or not running:
        return None
    recent = [event for event in events_about(container, events) if not is_older(event, running["startedAt"])]
    message = newest_message(recent, "Unhealthy", "^(Readiness|Startup) ")
    if not message:
        return None
    kind = message.split()[0].lower()
    status, probe = re.search(r"statuscode: (\d+)", message), _probe(spec_of(pod, container), kind)
    answer = f"gets HTTP {status[1]}" if status else "fails" if probe.startswith("`") else "gets no answer"
    return (
        "Unhealthy",
        f"The program runs, but its {kind} probe ({probe}) {answer}.",
        "Wait if it is still starting. Otherwise correct the probe's path and port, or the program.",
    )


def _probe(spec: Object, kind: str) -> str:
    """What a container's probe requests, such as `GET /health on port 5000`."""
    probe: Object = spec.get(f"{kind}Probe", {})
    if get := probe.get("httpGet"):
        return f"GET {get.get('path', '/')} on port {get['port']}"
    if "exec" in probe:
        return f"`{shlex.join(probe['exec']['command'])}`"
    return ", ".join(key for key in probe if key in ("tcpSocket", "grpc")) or "unknown"
