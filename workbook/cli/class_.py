"""`make class`: a class in a browser, on the workbook's cluster or on an existing one."""

import os

from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.paths import ROOT, home
from workbook.bundle.choose import chosen
from workbook.bundle.manifest import CLASS
from workbook.classroom.administrator import Administrator
from workbook.classroom.hub import delete, deploy, door, links, tls
from workbook.cluster.choose import Provider, Settings
from workbook.cluster.current import current, open_cluster
from workbook.cluster.protocol import Cluster
from workbook.kube import kubeconfig
from workbook.machine.set_up import up


def class_(names: list[str], *, host: str, address: str, remove: bool) -> None:
    """Put JupyterHub onto the cluster, write the learners' links, and forward a port to it until Ctrl-C.

    Args:
        names: the learners' names; or their number as the only word, for names such as `learner-01`.
        host: the name by which other machines reach this one, which turns on TLS; empty for this machine alone.
        address: the URL from which an Ingress or a load balancer leads to the class; no port is forwarded then. Empty without one.
        remove: delete what a class has created instead.

    Raises:
        WorkbookError: there are no learners, the address is not a URL, a bundle was not made for a class, or a step failed.
    """
    if address and (host or not address.startswith(("https://", "http://"))):
        why = f"It is {address!r}" + (", and a host is given, too." if host else ", without https:// or http://.")
        raise WorkbookError(
            "The class's address cannot be used.",
            why,
            "Give either a host or an address such as https://class.example.org.",
        )
    if (bundle := chosen()) and not remove:
        for purpose in CLASS:
            bundle.archive(purpose)  # refuses a bundle without it now, and not after the set-up
    cluster = choose(remove=remove)
    administrator = Administrator.from_environment()
    if remove:
        delete.delete(administrator)
        return
    learners = numbered(int(names[0])) if len(names) == 1 and names[0].isdecimal() else tuple(names)
    certificate = tls.certificate(host) if host else None
    with lock(home() / "class.lock", "make class"):
        known = deploy.deploy(cluster, learners, certificate)
    scheme, name = ("https", host) if host else ("http", door.LOOPBACK)
    written = links.links(address.rstrip("/") or f"{scheme}://{name}:{door.PORT}", known)
    links.write(written)
    print(*(f"{learner}  {link}" for learner, link in written.items()), sep="\n")
    print(f"The links are in {links.FILE.relative_to(ROOT)}. Give each learner their own: it works like a password.")
    if not address:
        print("The class is open until you type Ctrl-C. The learners' work stays, and `make class` opens it again.")
        door.hold_open(administrator, door.ALL if host else door.LOOPBACK, door.PORT)


def numbered(number: int) -> tuple[str, ...]:
    """Return as many names: learner-01, learner-02, … They have two digits, or three from 100 learners on."""
    digits = max(2, len(str(number)))
    return tuple(f"learner-{count:0{digits}}" for count in range(1, number + 1))


def choose(*, remove: bool) -> Cluster:
    """Return the cluster for the class: the one that `WORKBOOK_CONTEXT` names, otherwise the workbook's own.

    The latter is set up, and this process then uses its context and its kubeconfig as the administrator's.

    Args:
        remove: set up nothing.
    """
    settings = Settings.from_environment()
    if settings.context:
        settings.folder.mkdir(parents=True, exist_ok=True)  # for the note about pushed images
        return open_cluster(Provider.EXISTING, settings)
    cluster = current()
    if not remove:
        up(cluster)
    # `classroom` reads these, since its administrator usually sets them.
    os.environ |= {"WORKBOOK_CONTEXT": cluster.context, kubeconfig.USERS: str(cluster.kubeconfig)}
    os.environ["KUBECONFIG"] = str(cluster.kubeconfig)
    return cluster
