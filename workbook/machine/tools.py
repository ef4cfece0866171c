"""Checks of the programs that the workbook drives: the Docker engine, minikube or kind, the cluster, and kubectl.

Functions import the modules that need packages: the doctor runs before these are installed.
"""

import shutil
import tempfile

from workbook.base.errors import WorkbookError
from workbook.base.processes import read
from workbook.bundle.choose import chosen
from workbook.cluster.choose import INSTALL_MINIKUBE, Provider, Settings, choose
from workbook.cluster.current import current
from workbook.cluster.protocol import State
from workbook.machine.findings import Facts, Finding

PATIENCE = 4  # seconds to wait for an answer from a program or the network


def engine(facts: Facts) -> Finding:
    """Whether a Docker engine for Linux containers is running. If `facts.changes` allows it, install and start one."""
    from workbook.engine.find import ensure_engine, reach_engine  # needs packages

    if not facts.engine:
        nodes, offline = _runs_nodes(), chosen() is not None
        facts.engine = (
            ensure_engine(offline=offline, nodes=nodes) if facts.changes else reach_engine(PATIENCE, nodes=nodes)
        )
    facts.info = facts.engine.info()
    facts.versions["Docker engine"] = version = facts.info["ServerVersion"]
    found = ", ".join(filter(None, [f"running, {version}", facts.info.get("OperatingSystem")]))
    if facts.info.get("OSType", "linux") != "linux":
        fix = "In Docker Desktop's menu: Switch to Linux containers."
        return Finding(False, "running, for Linux containers", found, fix)
    return Finding(True, "running", found)


def _runs_nodes() -> bool:
    """Whether the engine has to run a cluster's nodes. That is assumed for an unknown provider, which another check reports."""
    try:
        return choose()[0] is not Provider.EXISTING
    except WorkbookError:
        return True


def provider(facts: Facts) -> Finding:
    """Report the cluster's provider, and the reason for it."""
    name, reason = choose()
    facts.versions["cluster provider"] = name
    return Finding(True, " or ".join(Provider), f"{name}: {reason}")


def minikube(facts: Facts) -> Finding | None:
    """Whether minikube works, which is only required if it is the cluster's provider."""
    needed = choose()[0] is Provider.MINIKUBE
    if needed and (bundle := chosen()) and bundle.has("minikube"):
        return Finding(True, "installed", "in the bundle")
    if not shutil.which("minikube"):
        if not needed:
            return Finding(None, "", "not installed: the workbook uses kind")
        return Finding(False, "installed", "not found", INSTALL_MINIKUBE)
    try:
        with tempfile.TemporaryDirectory() as scratch:  # minikube creates folders even for this question
            command = ["minikube", "version", "--short"]
            version = read(command, env={"MINIKUBE_HOME": scratch}, timeout=PATIENCE).strip()
    except WorkbookError as error:
        found = f"installed, but does not work: {(error.why or error.what).splitlines()[-1]}"
        fix = "Fix it, or use kind: set WORKBOOK_CLUSTER=kind."
        return Finding(False if needed else None, "working", found, fix)
    facts.versions["minikube"] = version
    if not needed:
        return Finding(True, "working", version)
    from workbook.cluster.minikube import Minikube  # needs packages

    return Finding(True, "working", f"{version}, {Minikube(Settings.from_environment()).choice(facts.engine)}")


def kind(facts: Facts) -> Finding | None:
    """Whether kind is installed, if it is the cluster's provider."""
    if choose()[0] is not Provider.KIND:
        return None
    if (bundle := chosen()) and bundle.has("kind"):
        return Finding(True, "installed", "in the bundle")
    from node import installed_kind  # needs packages

    if not (path := installed_kind()):
        facts.missing.append("kind")
        return Finding(False, "installed", "not yet", "With a network, run `make up`, which installs it.")
    facts.versions["kind"] = version = read([path, "version", "--quiet"], timeout=PATIENCE).strip()
    return Finding(True, "working", version)


def cluster(facts: Facts) -> Finding:
    """Whether the cluster is running, with the kubeconfig that the workbook wrote."""
    from workbook.kube import kubeconfig  # needs packages

    cluster = current()
    if not facts.engine and cluster.provider is Provider.KIND:
        return Finding(False, "Running", "unknown without a Docker engine", "Fix the Docker engine first.")
    # minikube creates folders even to report a state, so it is only asked about a cluster that was created.
    state = cluster.status() if cluster.folder.exists() else State.ABSENT
    if state == State.ABSENT and cluster.provider is Provider.MINIKUBE:
        facts.missing.append("minikube's node")
    if state != State.RUNNING:
        return Finding(False, "Running", state, "Run `start()`, or `make up` in a terminal.")
    if not kubeconfig.is_valid(cluster):
        fix = f"Run `make up`. It writes {cluster.kubeconfig} again."
        what = "damaged" if cluster.kubeconfig.exists() else "missing"
        return Finding(False, "Running", f"Running, but its kubeconfig is {what}", fix)
    facts.running = True
    return Finding(True, "Running", state)


def kubectl(facts: Facts) -> Finding:
    """Whether an installed kubectl fits the cluster; any kubectl fits while the cluster is not running."""
    from workbook.kube.kubectl import client_minor, require_kubectl, server_minor  # needs packages

    cluster, needed = current(), "within one minor version of the cluster"
    if not facts.running:
        facts.versions["kubectl"] = version = f"1.{client_minor(require_kubectl())}"
        return Finding(True, "one that fits the cluster", version)
    program, *arguments = cluster.kubectl()
    server = server_minor(cluster)
    facts.versions["Kubernetes"] = f"1.{server}"
    if arguments:
        return Finding(True, needed, "minikube's own")
    client = client_minor(program)
    facts.versions["kubectl"] = f"1.{client}"
    fix = "Install a matching version: https://kubernetes.io/docs/tasks/tools/"
    return Finding(abs(server - client) <= 1, needed, f"1.{client}, cluster 1.{server}", fix)
