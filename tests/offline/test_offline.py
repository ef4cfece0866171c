"""Set up from a bundle where no network is: `make offline` runs it. It makes the bundle first, or takes `BUNDLE=…`.

The machine is a network namespace with a loopback device, an engine of its own that knows no image, an empty home, and
a Python without packages: see nowhere.py. Whatever address its own devices do not have leads to a program that writes
the packet down; one such packet fails the test. A Pod that asks for a name outside of the cluster, as notebook 05 has it
done on purpose, makes CoreDNS ask the name server of its surroundings. That is a process in the same namespace, which
knows no name. The names are printed; only those that a manifest contains may be among them, the one by which kind's
node looks for a Docker Desktop around it, and that of the registry which a puzzle of notebook 11 asks on purpose.
CoreDNS also asks for a random number, to find out whether it asks itself.

The cluster's own addresses are those of its Services and Pods, too. A Pod that asks for a Service before kube-proxy has
heard of that sends to its gateway, and so, from kube-system's first Pods, a few packets for the API server's Service end
here. They are counted by themselves.
"""

import re
import subprocess
import time
from collections import Counter
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml
from docker.auth import INDEX_NAME

from tests.offline.nowhere import NETWORK, Nowhere
from workbook.base.paths import ROOT
from workbook.bundle import choose as bundle
from workbook.bundle import manifest
from workbook.publish import bundle as making

pytestmark = pytest.mark.slow
GOAL_START, GOAL_SIZE = 180, 1.5e9
"""Seconds from `make lab` to the first table, and bytes of a bundle."""
CLUSTER = tuple(map(ip_network, ("10.96.0.0/16", "10.244.0.0/16")))
"""The Services' and the Pods' addresses in a kind cluster: https://kind.sigs.k8s.io/docs/user/configuration/#networking"""
TESTED = "make test"
"""What brings a node to ask a registry: puzzle 2 of notebook 11 says `imagePullPolicy: Always`."""
DESKTOP = "host.docker.internal"
LOOP = re.compile(r"\d+\.\d+")
"""How CoreDNS finds out whether its questions come back to itself: https://coredns.io/plugins/loop/"""
SEARCHED = (".svc.cluster.local", ".cluster.local")
"""What a Pod's resolver puts behind a name; of these CoreDNS itself knows all there are."""


@pytest.fixture(scope="module")
def folder():
    """The bundle to prove: the one that was named, else one that is made now."""
    if not (chosen := bundle.chosen()):
        making.bundle()
    return chosen.folder if chosen else making.FOLDER


@pytest.fixture
def student(folder, record_property):
    """A machine that has nothing, where no network is; at its end, what it has tried is looked at."""
    with Nowhere(folder) as machine:
        yield machine
        assert not machine.called(), "programs that a student need not have were called"
        foreign = Counter(packet for packet in machine.packets() if not is_own(packet))
        early = len(machine.packets()) - foreign.total()
        assert not foreign, f"packets that would have left this machine: {dict(foreign)}"
        names = {name for name in machine.names() if not (name.endswith(SEARCHED) or LOOP.fullmatch(name))}
        registry = {name for name in names if name.endswith(INDEX_NAME)}
        assert names - registry <= expected(), "other names were asked for"
        assert not registry or machine.did == TESTED, "an image was asked for"
    assert not machine.folder.exists()
    record_property("figure", (f"{machine.did}: packets to other addresses", str(sum(foreign.values()))))
    record_property("figure", (f"{machine.did}: packets to a Service that kube-proxy did not know yet", str(early)))
    record_property("figure", (f"{machine.did}: names asked of its surroundings", " ".join(sorted(names)) or "none"))


def is_own(packet):
    """Whether a packet was for an address of the cluster's: `tcp 10.96.0.1:443`."""
    target = re.search(r" (\d+\.\d+\.\d+\.\d+)", packet)
    return target is not None and any(ip_address(target[1]) in network for network in CLUSTER)


def expected():
    """The names that may be asked for: those in the manifests, and kind's own question.

    Of the Services' names, too: a Pod that finds none by that name in the cluster asks for it as it stands.
    """
    documents = [
        document for path in ROOT.glob("manifests/*.yaml") for document in yaml.safe_load_all(path.read_text())
    ]
    services = [document for document in documents if document["kind"] == "Service"]
    named = {service["metadata"]["name"] for service in services}
    outside = {service["spec"]["externalName"] for service in services if "externalName" in service["spec"]}
    return {DESKTOP, *named, *outside}


def stages(told):
    """What the workbook says of its steps: (step, seconds)."""
    return re.findall(r"^✓ (.+?) \(([\d.]+ s)\)$", told, re.MULTILINE)


def test_the_bundle_is_small_enough(folder, record_property):
    sizes = Counter()
    for name, told in manifest.read(folder)["files"].items():
        sizes[name.partition("/")[0]] += told["size"]
    for part, size in sorted(sizes.items()):
        record_property("figure", (f"size of {part}", f"{size / 1e6:.0f} MB"))
    assert sizes.total() <= GOAL_SIZE
    record_property("figure", ("size of the bundle", f"{sizes.total() / 1e6:.0f} MB (goal: {GOAL_SIZE / 1e6:.0f})"))


def test_from_nothing_to_the_first_table(student, record_property):
    student.did = "make lab"
    begun = time.monotonic()
    with subprocess.Popen(
        student.workbook_words("lab"),
        cwd=student.workbook,
        env=student.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as lab:
        told = ""
        for line in lab.stdout:
            told += line
            if address := re.search(r"JupyterLab: (\S+)", line):
                break
        else:
            pytest.fail(told)
        table = subprocess.run(
            student.words(
                student.workbook / ".venv/bin/python",
                Path(__file__).with_name("first_table.py"),
                address[1],
                student.workbook / "notebooks/00_start-here.ipynb",
            ),
            env=student.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        seconds = time.monotonic() - begun
        lab.terminate()
        lab.communicate(timeout=60)
    assert table.returncode == 0, table.stdout + table.stderr
    print(told, table.stdout)
    for stage, took in stages(told):
        record_property("figure", (f"make lab: {stage}", took))
    record_property("figure", ("make lab, from nothing to the first table", f"{seconds:.0f} s (goal: {GOAL_START})"))
    assert seconds <= GOAL_START


def test_all_notebooks_pass(student, record_property):
    student.did = TESTED
    begun = time.monotonic()
    log = making.FOLDER.parent / "offline.log"
    with log.open("w") as out:
        done = subprocess.run(
            student.workbook_words("test", "notebooks", "-p", "no:cacheprovider"),
            cwd=student.workbook,
            env=student.environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    told = log.read_text()
    assert done.returncode == 0, told[-5000:]
    result = re.search(r"=+ (\d+ passed.*?) in ", told)[1]
    record_property("figure", ("make test, from nothing: all notebooks", f"{result}, {time.monotonic() - begun:.0f} s"))
    print(f"The whole log: {log.relative_to(ROOT)}")


TRIES = """
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("203.0.113.7", 9))
try:
    with socket.socket() as tried:
        tried.settimeout(1)
        tried.connect(("203.0.113.8", 443))
except TimeoutError:
    pass
try:
    socket.gethostbyname("elsewhere.example")
except socket.gaierror:
    pass
"""


def test_what_would_leave_is_noticed(folder):
    """The proof can fail: what is tried on purpose, here and in a container, is seen."""
    with Nowhere(folder) as machine:
        told = manifest.read(folder)["images"]["python"]
        for words in (
            ("docker", "load", "--quiet", "--input", folder / told["file"]),
            ("docker", "run", "--rm", "--entrypoint", "python", told["tag"], "-c", TRIES),
        ):
            subprocess.run(machine.words(*words), check=True, env=machine.environment)
        assert {"udp 203.0.113.7:9", "tcp 203.0.113.8:443"} == set(machine.packets())
        assert machine.names() == ["elsewhere.example"]
        subprocess.run(machine.words(machine.python, "-c", TRIES), check=True, env=machine.environment)
        assert len([packet for packet in machine.packets() if packet == "udp 203.0.113.7:9"]) == 2
        subprocess.run(machine.words("git", "fetch"), env=machine.environment)
        assert machine.called() == ["git fetch"]
    assert not machine.folder.exists() and not Path("/run/netns", NETWORK).exists()
