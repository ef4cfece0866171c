"""Checks of what a class needs from the network: base images, applications, and the network itself.

They download nothing. Functions import the modules that need packages: the doctor runs before these are installed.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from workbook.base.errors import WorkbookError
from workbook.base.processes import read
from workbook.cluster.choose import Provider, Settings, choose
from workbook.cluster.current import current
from workbook.engine.catalog import bases, catalog, is_current
from workbook.machine.findings import Facts, Finding
from workbook.machine.tools import PATIENCE

if TYPE_CHECKING:
    from docker import DockerClient

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def base_images(facts: Facts) -> Finding:
    """Whether the base images of the cluster's node and of the applications are present."""
    # All of these need packages.
    import node
    from workbook.engine.build import OFFICIAL
    from workbook.engine.pull import present

    engine = _building_engine(facts)
    wanted = {purpose: (OFFICIAL[purpose], node.base_tag(purpose)) for purpose in bases(catalog())}
    if choose()[0] is Provider.KIND:
        wanted["the node's"] = (node.official(), node.node_tag())
    missing = [name for name, tags in wanted.items() if not (engine and any(present(engine, tag) for tag in tags))]
    return _images(facts, "base images", engine, len(wanted), missing, "`make up`, which gets them.")


def applications(facts: Facts) -> Finding:
    """Whether the applications' images are built from their current sources."""
    engine = _building_engine(facts)
    missing = [image for image in catalog() if not (engine and is_current(engine, image))]
    return _images(facts, "applications", engine, len(catalog()), missing, "`begin(16)`, which builds them all.")


def network(facts: Facts) -> Finding:
    """Whether Python packages and container images can be downloaded, if something is still missing."""
    with ThreadPoolExecutor(1) as pool:  # both requests in parallel: they have a few seconds in all
        answer = pool.submit(index_answers)
        problem = registry_problem(facts.engine) if facts.engine else "no engine is running"
    packages, images = answer.result(), not problem
    registry = "images reachable" if images else f"no images: {problem}"
    proxies = sorted({name for name in os.environ if name.upper() in PROXIES and os.environ[name]})
    found = f"packages {'' if packages else 'not '}reachable; {registry}; {' and '.join(proxies) or 'no proxy'} set"
    needed = "reachable, or everything already on this machine"
    if packages and images:
        return Finding(True, needed, found)
    if not facts.missing:
        return Finding(None, needed, found, "Nothing: everything is already on this machine.")
    if packages:
        fix = (
            "Behind a proxy, set it in Docker, too: https://docs.docker.com/engine/daemon/proxy/. On Debian and Ubuntu, "
            "`make up` can also build the images that cannot be pulled, see node/README.md."
        )
        return Finding(None, needed, found, fix)
    fix = "Behind a proxy, set HTTPS_PROXY, and PIP_CERT to its certificate."
    return Finding(False, needed, found, f"Connect to a network to get {', '.join(facts.missing)}. {fix}")


def logins(facts: Facts) -> Finding | None:
    """Whether the Docker configuration's credential helper for the registries in use works."""
    from workbook.engine.login import configuration, problem  # needs packages

    if not facts.engine:
        return None
    settings = Settings.from_environment()
    registries = [settings.registry] if choose()[0] is Provider.EXISTING and settings.registry else []
    found = next(filter(None, (problem(facts.engine, registry) for registry in ("docker.io", *registries))), "")
    if not found:
        return None
    fix = f"Fix it, or remove it from credsStore or credHelpers in {configuration()}. Public images need no login."
    return Finding(None, "a credential helper that works", found, fix)


def index_answers() -> bool:
    """Whether pip reaches its package index. It downloads nothing."""
    options = ["--disable-pip-version-check", "--no-cache-dir", f"--timeout={PATIENCE - 1}", "--retries=0"]
    try:
        read([sys.executable, "-m", "pip", *options, "index", "versions", "pip"], timeout=PATIENCE)
        return True
    except WorkbookError:
        return False


def registry_problem(engine: "DockerClient") -> str:
    """Return why the engine cannot get base images from their registry; empty if it can. It pulls nothing."""
    # All of these need packages.
    from docker.errors import DockerException

    # These need packages, too.
    from workbook.engine.build import OFFICIAL
    from workbook.engine.pull import explain

    try:
        engine.api.inspect_distribution(OFFICIAL["python"])
        return ""
    except (DockerException, OSError) as error:
        return explain(error)[0]


def _building_engine(facts: Facts) -> "DockerClient | None":
    """The engine that builds images, if it is running. minikube's engine is in its node."""
    if choose()[0] is not Provider.MINIKUBE:
        return facts.engine
    return current().docker() if facts.running else None


def _images(
    facts: Facts, check: str, engine: "DockerClient | None", total: int, missing: list[str], remedy: str
) -> Finding:
    """The finding about images. Missing images are only a note, because a class with a network can still get them."""
    facts.missing += missing if engine else [check]
    found = f"missing: {', '.join(missing)}" if missing else f"all {total}"
    if not engine:
        found, remedy = "unknown: the engine that builds images is not running", "`make up`."
    fix = f"Before the class, with a network: run {remedy}"
    return Finding(None if missing else True, "present, for a class without a network", found, fix)
