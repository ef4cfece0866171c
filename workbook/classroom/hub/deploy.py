"""Put a class in a browser onto a cluster, or bring the one that is there up to date. Nothing of the learners is lost."""

import hashlib
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from workbook.base.errors import WorkbookError
from workbook.base.steps import step
from workbook.classroom import names as rules
from workbook.classroom import tokens as kubeconfigs
from workbook.classroom.administrator import Administrator
from workbook.classroom.hub import images, objects
from workbook.classroom.hub.links import tokens
from workbook.classroom.hub.objects import CLASS, DESK, DESKS, NAMESPACE
from workbook.classroom.learners import classroom
from workbook.cluster.choose import Provider
from workbook.cluster.protocol import Cluster
from workbook.engine.build import OFFICIAL
from workbook.engine.proxies import proxies
from workbook.kube.objects import Object

IDLE = 3600
"""Seconds after which a desk is stopped that its learner doesn't use."""
IN_REGISTRY = ("exec", f"-n{NAMESPACE}", "deployment/registry", "-c", "registry", "--")
"""The words with which kubectl runs a command in the registry's Pod."""
ROOM = 1000
"""Megabytes below which the registry's disk counts as almost full."""


def deploy(cluster: Cluster, names: tuple[str, ...], certificate: dict[str, str] | None = None) -> dict[str, str]:
    """Prepare the cluster in the context `WORKBOOK_CONTEXT` for a class in a browser.

    A second call keeps the learners of the first one, and their tokens.

    Args:
        cluster: the same cluster, which gets the images.
        names: the learners' names.
        certificate: the files `tls.crt` and `tls.key` of the proxy; None for HTTP.

    Returns:
        Each learner's token, those of earlier calls included.

    Raises:
        WorkbookError: there are no learners, a name is not valid or already used, or a step failed.

    Documentation: https://jupyterhub.readthedocs.io/en/stable/
    """
    administrator = Administrator.from_environment()
    existing = _secret(administrator, "links")
    if not names and not existing:
        raise WorkbookError("There are no learners.", fix="Say how many: `make class LEARNERS=20`.")
    check(names)
    _refuse_taken(administrator, {*names, *existing})
    images_of = images.provide(cluster)
    known = tokens(names, existing)
    classroom(*known)
    _apply(administrator, *objects.manifest("registry.yaml", HUB_IMAGE=images_of["hub"]))
    port = administrator.read(
        "get", "service", "registry", f"-n{NAMESPACE}", "-o", "jsonpath={.spec.ports[0].nodePort}"
    )
    registry = f"localhost:{port}"
    passwords = tokens(known, _passwords(administrator))
    settings = {
        "HUB_IMAGE": images_of["hub"],
        "DESK_IMAGE": images_of["desk"],
        "DESK_VARIABLES": json.dumps(proxies()),
        "REGISTRY": registry,
        "IDLE_SECONDS": str(IDLE),
    }
    # The hub reads its settings and the names of the learners when it starts.
    changes = hashlib.sha256(json.dumps([settings, sorted(known)]).encode()).hexdigest()[:12]
    hub = objects.manifest("hub.yaml", SETTINGS=changes, **settings)
    if certificate:
        _serve_tls(hub)
        hub.append(objects.secret("certificate", NAMESPACE, certificate))
    if cluster.provider is not Provider.EXISTING:  # its node is only reachable from this machine
        next(each for each in hub if _is(each, "Service", "proxy"))["spec"]["type"] = "NodePort"
    proxy = _secret(administrator, "proxy") or {"token": tokens(["proxy"], {})["proxy"]}
    secrets = [
        objects.secret("links", NAMESPACE, known),
        objects.secret("proxy", NAMESPACE, proxy),
        objects.secret(
            "registry", NAMESPACE, {"passwords": json.dumps(passwords), "htpasswd": objects.htpasswd(passwords)}
        ),
    ]
    _apply(administrator, *secrets, *hub, *(each for learner in known for each in objects.desk(learner)))
    authority, address = _authority(administrator), _address(administrator)
    _apply(administrator, *(_access(learner, address, authority, registry, passwords[learner]) for learner in known))
    for name in ("registry", "proxy", "hub"):
        with step(f"Wait for the {name}"):
            _wait_for(administrator, name)
    _make_room(administrator)
    _fill_registry(administrator, cluster)
    _start_desks(administrator, len(known))
    return known


def check(names: tuple[str, ...]) -> None:
    """Refuse names that `workbook classroom` refuses, and those whose ends belong to desks. Raises WorkbookError."""
    rules.check(names)
    for name in names:
        if name.endswith(DESK):
            raise WorkbookError(
                f"{name!r} cannot be the name of a learner.",
                f"The Namespaces of desks have names that end in `{DESK}`.",
                "Choose a name such as learner-1.",
            )


def _refuse_taken(administrator: Administrator, names: Iterable[str]) -> None:
    """Refuse to use a namespace that was not made for a class.

    Raises:
        WorkbookError: names it.
    """
    made = {name for label in (CLASS, DESKS) for name in administrator.names("namespaces", label)}
    wanted = {NAMESPACE, *(f"{name}{DESK}" for name in names)}
    if taken := sorted(wanted & (set(administrator.names("namespaces", "")) - made)):
        raise WorkbookError(
            f"The Namespace {taken[0]!r} already exists, and was not created for a class.",
            "Cleaning up after the class would delete it.",
            "Choose another name for the learner, or delete the Namespace if you don't need it.",
        )


def _secret(administrator: Administrator, name: str) -> dict[str, str]:
    """The content of a Secret of the class; empty if it does not exist."""
    text = administrator.read("get", "secret", name, f"-n{NAMESPACE}", "--ignore-not-found", "-o", "json")
    return objects.decoded(json.loads(text)) if text.strip() else {}


def _passwords(administrator: Administrator) -> dict[str, str]:
    """The learners' passwords for the registry that were made before."""
    made: dict[str, str] = json.loads(_secret(administrator, "registry").get("passwords", "{}"))
    return made


def _authority(administrator: Administrator) -> str:
    """The certificate of the cluster's certificate authority, which each namespace has."""
    words = ("get", "configmap", "kube-root-ca.crt", "-nkube-system", "-o", r"jsonpath={.data.ca\.crt}")
    return administrator.read(*words)


def _address(administrator: Administrator) -> str:
    """The API server's IP address for Pods."""
    return administrator.read("get", "service", "kubernetes", "-ndefault", "-o", "jsonpath={.spec.clusterIP}")


def _access(learner: str, address: str, authority: str, registry: str, password: str) -> Object:
    """The Secret with which a desk reaches the cluster and the registry as its learner."""
    files = objects.inside(kubeconfigs.file(learner).read_text(encoding="utf-8"), address, authority)
    logins = {"config.json": objects.logins(registry, learner, password)}
    return objects.secret("access", f"{learner}{DESK}", files | logins)


def _is(each: Object, kind: str, name: str) -> bool:
    return bool(each["kind"] == kind and each["metadata"]["name"] == name)


def _serve_tls(hub: list[Object]) -> None:
    """Let the proxy use the certificate in its volume."""
    folder = "/etc/workbook/certificate"
    proxy = next(each for each in hub if _is(each, "Deployment", "proxy"))
    arguments: list[Any] = proxy["spec"]["template"]["spec"]["containers"][0]["args"]
    arguments += [f"--ssl-cert={folder}/tls.crt", f"--ssl-key={folder}/tls.key"]


def _apply(administrator: Administrator, *wanted: Object) -> None:
    """Apply objects on the server's side, so that no annotation contains a copy of a Secret.

    Documentation: https://kubernetes.io/docs/reference/using-api/server-side-apply/
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "class.yaml")
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump_all(wanted), encoding="utf-8")
        administrator.run("apply", "--server-side", "--force-conflicts", "--field-manager=workbook", "-f", str(path))


def _wait_for(administrator: Administrator, name: str) -> None:
    administrator.read("rollout", "status", f"deployment/{name}", f"-n{NAMESPACE}", "--timeout=300s")


def _make_room(administrator: Administrator) -> None:
    """Restart the registry if its disk is almost full: when it starts, it removes what no image needs."""
    if _room(administrator) >= ROOM:
        return
    with step("Remove from the registry what no image needs"):
        administrator.read("rollout", "restart", "deployment/registry", f"-n{NAMESPACE}")
        _wait_for(administrator, "registry")
    if (left := _room(administrator)) < ROOM:
        print(
            f"The disk of the registry is almost full: {left} MB are left. Free some space before learners push images."
        )


def _room(administrator: Administrator) -> int:
    """Megabytes that the registry's disk has left."""
    _, left = administrator.read(*IN_REGISTRY, "df", "--output=avail", "-BMB", "/srv/data").split()
    return int(left.removesuffix("MB"))


def _start_desks(administrator: Administrator, number: int) -> None:
    """Start the desks, so that learners don't wait for each other's when all of them come at once."""
    command = ("python", "/etc/workbook/start_desks.py", "http://127.0.0.1:8081/hub", "/etc/workbook/links")
    with step(f"Start {number} desks"):
        missing = administrator.read("exec", f"-n{NAMESPACE}", "deployment/hub", "--", *command).split()
    if missing:
        print(f"These desks have not started: {', '.join(missing)}. Their links try again, and show the reason.")


def _fill_registry(administrator: Administrator, cluster: Cluster) -> None:
    """Give the registry the applications' base images, from which the desks pull them."""
    pod = administrator.read(
        "get", "pods", f"-n{NAMESPACE}", "-lapp=registry", "-o", "jsonpath={.items[0].metadata.name}"
    )
    engine = cluster.docker()
    for purpose, name in OFFICIAL.items():
        note = f"/srv/data/{purpose}"  # the ID of the image that was copied
        original = images.original(engine, purpose, cluster.settings.bundle)
        if original == administrator.read(*IN_REGISTRY, "sh", "-c", f"cat {note} 2>/dev/null || true").strip():
            continue
        with step(f"Copy {name} to the registry"), tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, "image.tar")
            images.copy_base(engine, original, name, archive)
            administrator.read("cp", str(archive), f"{NAMESPACE}/{pod}:/tmp/image.tar", "-c", "registry")
            source, target = "docker-archive:/tmp/image.tar", f"docker://127.0.0.1:5001/library/{name}"
            copy = f"skopeo --insecure-policy copy -q --dest-tls-verify=false {source} {target}"
            administrator.read(*IN_REGISTRY, "sh", "-c", f"{copy} && rm /tmp/image.tar && echo {original} > {note}")
