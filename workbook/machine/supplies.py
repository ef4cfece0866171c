"""What a class needs beyond a machine that is large enough: tools, images, ports, the network, and nobody in the way.

Nothing here installs, starts, fetches or writes anything: what is looked for is looked at.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from calendar import timegm
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

from workbook.base.errors import WorkbookError
from workbook.base.lock import holder
from workbook.base.paths import home
from workbook.base.processes import run
from workbook.cluster.choose import Provider, choose
from workbook.cluster.current import current
from workbook.cluster.protocol import Cluster
from workbook.machine import environment
from workbook.machine.findings import Facts, Finding

PATIENCE = 4
"""Seconds that a program or the network has for an answer."""
PORTS = {5000: "the web application", 8080: "the frontend", 8888: "JupyterLab"}
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
APART = 60
"""Seconds between the engine's clock and this machine's from which on certificates are doubted."""
PREPARE = "Before the class, with a network: "


def memory() -> int:
    """This machine's memory in bytes, 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def how_to_install_packages() -> str:
    """What to do where Python packages are missing."""
    if find_spec("ensurepip") is None:  # Debian and Ubuntu split it off
        return "Install `python3-venv`, then run `make up`, which installs them."
    return "Run `make up`, which installs them."


def clock(facts: Facts) -> Finding | None:
    told = facts.info.get("SystemTime", "")[: len("2026-01-01T00:00:00")]
    if not told:
        return None
    apart = abs(timegm(time.strptime(told, "%Y-%m-%dT%H:%M:%S")) - time.time())
    return Finding(
        "clock",
        good := apart < APART,
        "the engine's like this machine's",
        "they agree" if good else f"they are {apart:.0f} s apart",
        "" if good else "Restart Docker Desktop, or set the clock: certificates are only good for their time.",
    )


def minikube(facts: Facts) -> Finding | None:
    chosen = choose()[0] is Provider.MINIKUBE
    if not which("minikube"):
        if not chosen:
            return Finding("minikube", None, "", "not installed: kind takes its place")
        return Finding("minikube", False, "installed", "not found", "https://minikube.sigs.k8s.io/docs/start/")
    try:
        with tempfile.TemporaryDirectory() as scratch:  # it would make folders even for this question
            facts.versions["minikube"] = run(
                ["minikube", "version", "--short"], env={"MINIKUBE_HOME": scratch}, timeout=PATIENCE
            ).strip()
        return Finding("minikube", True, "working", facts.versions["minikube"])
    except WorkbookError as error:
        return Finding(
            "minikube",
            False if chosen else None,
            "working",
            f"installed, but does not work: {(error.why or error.what).strip().splitlines()[-1]}",
            "Repair it, or use kind: set WORKBOOK_CLUSTER=kind.",
        )


def kind(facts: Facts) -> Finding | None:
    if choose()[0] is not Provider.KIND:
        return None
    from node import installed_kind

    path = installed_kind()
    if not path:
        facts.missing.append("kind")
        return Finding("kind", False, "installed", "not yet", f"{PREPARE}`make up` installs it.")
    facts.versions["kind"] = run([path, "version", "--quiet"], timeout=PATIENCE).strip()
    return Finding("kind", True, "working", facts.versions["kind"])


def own_kubectl(ours: Cluster) -> Path | None:
    """The kubectl that the workbook has compiled for the cluster, if it has."""
    if ours.provider is not Provider.KIND:
        return None
    from node import kubectl

    return kubectl()


def busy(facts: Facts) -> Finding:
    # A lock ends with the process that holds it, so there are none that are stale.
    locks = [
        current().folder / "lock",
        *sorted(home().glob("*.lock")),
        *sorted(home().glob("node/*.lock")),
    ]
    told = "; ".join(filter(None, map(holder, locks)))
    fix = "Wait for it, or end that process: what it was doing goes on with the next run." if told else ""
    return Finding("set-up", None if told else True, "no other at work", told or "nobody", fix)


def ports(facts: Facts) -> Finding:
    taken = [f"{port} ({whose})" for port, whose in PORTS.items() if _taken(port)]
    return Finding(
        "ports",
        None if taken else True,
        f"{', '.join(map(str, PORTS))} free",
        f"taken: {', '.join(taken)}" if taken else "all free",
        "Nothing: a free port is used instead, and said." if taken else "",
    )


def base_images(facts: Facts) -> Finding:
    import node
    from workbook.engine.build import OFFICIAL
    from workbook.engine.catalog import bases, catalog
    from workbook.engine.pull import present

    engine = _building(facts)
    if not engine:
        return _unknown(facts, "base images")
    wanted = {purpose: (OFFICIAL[purpose], node.base_tag(purpose)) for purpose in bases(catalog())}
    if choose()[0] is Provider.KIND:
        wanted["the node's"] = (node.OFFICIAL, node.node_tag())
    missing = [name for name, either in wanted.items() if not any(present(engine, image) for image in either)]
    return _at_hand(facts, "base images", len(wanted), missing, f"{PREPARE}`make up` brings them.")


def applications(facts: Facts) -> Finding:
    from workbook.engine.catalog import catalog, is_current

    engine = _building(facts)
    if not engine:
        return _unknown(facts, "applications")
    missing = [image for image in catalog() if not is_current(engine, image)]
    return _at_hand(facts, "applications", len(catalog()), missing, f"{PREPARE}run `begin(12)`, which builds them all.")


def network(facts: Facts) -> Finding:
    packages, images = _reached(facts)
    proxies = sorted({name for name in os.environ if name.upper() in PROXIES and os.environ[name]})
    found = [
        f"{what} {'reached' if reached else 'not reached'}"
        for what, reached in (("packages", packages), ("images", images))
    ]
    found.append(f"{' and '.join(proxies)} set" if proxies else "no proxy set")
    good, fix = True, ""
    if not facts.missing and not (packages and images):
        good, fix = None, "Nothing: all is at hand."
    elif not packages:
        good, fix = (
            False,
            (
                f"Needed for {', '.join(facts.missing)}: connect; behind a proxy set HTTPS_PROXY, and PIP_CERT to its certificate."
            ),
        )
    elif not images:
        good, fix = (
            None,
            "What cannot be pulled is built here from packages and sources, see node/README.md: do it before.",
        )
    return Finding("network", good, "reached, or all at hand", "; ".join(found), fix)


def _reached(facts: Facts) -> tuple[bool, bool]:
    """Whether Python's packages and container images can be had: asked as pip and the engine ask, nothing is fetched."""
    ask = [
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-cache-dir",
        f"--timeout={PATIENCE - 1}",
        "--retries=0",
        "index",
        "versions",
        "pip",
    ]
    index = subprocess.Popen(
        [str(environment.found() or sys.executable), *ask],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    images = bool(facts.engine) and _registry_answers(facts.engine)
    try:
        return index.wait(PATIENCE) == 0, images
    except subprocess.TimeoutExpired:
        return False, images
    finally:
        index.kill()


def _registry_answers(engine: Any) -> bool:
    from docker.errors import DockerException

    from workbook.engine.build import OFFICIAL

    try:
        engine.api.inspect_distribution(OFFICIAL["python"])
        return True
    except (DockerException, OSError):
        return False


def _building(facts: Facts) -> Any:
    """The engine in which images are built; None where it does not run. minikube's is in its node."""
    if choose()[0] is not Provider.MINIKUBE:
        return facts.engine
    return current().docker() if facts.state == "Running" else None


def _unknown(facts: Facts, check: str) -> Finding:
    facts.missing.append(check)
    return Finding(
        check,
        None,
        "at hand, for a class without a network",
        "unknown: no engine to build in runs",
        f"{PREPARE}run `make up`.",
    )


def _at_hand(facts: Facts, check: str, total: int, missing: list[str], fix: str) -> Finding:
    """A finding about images: those that are missing are a note, because they can still be had with a network."""
    facts.missing += missing
    found = f"missing: {', '.join(missing)}" if missing else f"all {total}"
    return Finding(
        check, None if missing else True, "at hand, for a class without a network", found, fix if missing else ""
    )


def _taken(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
        return False
    except OSError:
        return True
